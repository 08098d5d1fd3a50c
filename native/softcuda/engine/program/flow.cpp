#include "program/flow.h"

#include <algorithm>

#include "execute/handlers.h"

namespace softcuda {
namespace {

bool leaves(const Instr& in) { return in.run == returnLanes || in.run == exitLanes; }
bool parts(const Instr& in) {
  return in.run == branch || in.run == branchIndexed || (in.run == returnLanes && in.guard != kNoRef);
}
bool endsBlock(const Instr& in) {
  return in.run == jump || in.run == branch || in.run == branchIndexed || leaves(in) || in.run == trapLanes;
}

class Flow {
 public:
  explicit Flow(Function& function) : function_(function), code_(function.code) {}

  void run() {
    shortenExits();
    findBlocks();
    findEdges();
    connectEndless();
    findPostDominators();
    for (size_t b = 0; b < starts_.size(); ++b) {
      Instr& last = code_[end(b) - 1];
      if (!parts(last)) continue;
      uint32_t meeting = postDominator_[b] == exit() ? kReturn : starts_[postDominator_[b]];
      last.rejoin = meeting != kReturn && function_.entry && bare(meeting) ? kReturn : meeting;
    }
  }

 private:
  uint32_t exit() const { return static_cast<uint32_t>(starts_.size()); }
  uint32_t end(size_t block) const {
    return block + 1 < starts_.size() ? starts_[block + 1] : static_cast<uint32_t>(code_.size());
  }

  bool bare(uint32_t target) const { return code_[target].run == exitLanes && code_[target].guard == kNoRef; }

  // Lanes that go to a kernel's end leave at once: nobody waits for them at barriers in between.
  void shortenExits() {
    if (!function_.entry) return;
    for (Instr& in : code_)
      if ((in.run == jump || in.run == branch) && bare(in.target)) in.target = kReturn;
  }

  std::vector<uint32_t> targets(uint32_t at) const {
    const Instr& in = code_[at];
    std::vector<uint32_t> to;
    if (in.run == jump || in.run == branch) to.push_back(in.target);
    if (in.run == branchIndexed) to = static_cast<const SwitchDetail&>(*in.detail).targets;
    if (in.run == returnLanes || (in.run == exitLanes && in.guard == kNoRef) ||
        (in.run == trapLanes && in.guard == kNoRef))
      to.push_back(kReturn);
    bool falls = in.run != jump && in.run != branchIndexed &&
                 !((leaves(in) || in.run == trapLanes) && in.guard == kNoRef);
    if (in.run == jump && in.guard != kNoRef) falls = true;
    if (falls) to.push_back(at + 1 < code_.size() ? at + 1 : kReturn);
    return to;
  }

  void findBlocks() {
    std::vector<bool> leader(code_.size() + 1, false);
    leader[0] = true;
    for (uint32_t i = 0; i < code_.size(); ++i) {
      if (!endsBlock(code_[i])) continue;
      leader[i + 1] = true;
      for (uint32_t target : targets(i))
        if (target != kReturn) leader[target] = true;
    }
    blockOf_.resize(code_.size());
    for (uint32_t i = 0; i < code_.size(); ++i) {
      if (leader[i]) starts_.push_back(i);
      blockOf_[i] = static_cast<uint32_t>(starts_.size() - 1);
    }
  }

  void findEdges() {
    next_.resize(exit() + 1);
    for (uint32_t b = 0; b < exit(); ++b)
      for (uint32_t target : targets(end(b) - 1))
        next_[b].push_back(target == kReturn ? exit() : blockOf_[target]);
  }

  // Loops without an end get an edge to the exit, or nothing would post-dominate them.
  void connectEndless() {
    reach();
    for (uint32_t b = exit(); b-- > 0;) {
      if (reaches_[b]) continue;
      next_[b].push_back(exit());
      reach();
    }
  }

  void reach() {
    std::vector<std::vector<uint32_t>> before(exit() + 1);
    for (uint32_t b = 0; b < exit(); ++b)
      for (uint32_t to : next_[b]) before[to].push_back(b);
    reaches_.assign(exit() + 1, false);
    order_.clear();
    // Post-order of the reversed graph from the exit.
    std::vector<std::pair<uint32_t, size_t>> stack{{exit(), 0}};
    reaches_[exit()] = true;
    while (!stack.empty()) {
      auto& [node, at] = stack.back();
      if (at == before[node].size()) {
        order_.push_back(node);
        stack.pop_back();
        continue;
      }
      uint32_t to = before[node][at++];
      if (reaches_[to]) continue;
      reaches_[to] = true;
      stack.emplace_back(to, 0);
    }
  }

  uint32_t meet(uint32_t a, uint32_t b) const {
    while (a != b) {
      while (rank_[a] < rank_[b]) a = postDominator_[a];
      while (rank_[b] < rank_[a]) b = postDominator_[b];
    }
    return a;
  }

  void findPostDominators() {
    rank_.assign(exit() + 1, 0);
    for (uint32_t i = 0; i < order_.size(); ++i) rank_[order_[i]] = i;
    constexpr uint32_t none = ~0u;
    postDominator_.assign(exit() + 1, none);
    postDominator_[exit()] = exit();
    for (bool changed = true; changed;) {
      changed = false;
      for (auto b = order_.rbegin(); b != order_.rend(); ++b) {
        if (*b == exit()) continue;
        uint32_t best = none;
        for (uint32_t to : next_[*b])
          if (postDominator_[to] != none) best = best == none ? to : meet(best, to);
        if (best == postDominator_[*b]) continue;
        postDominator_[*b] = best;
        changed = true;
      }
    }
  }

  Function& function_;
  std::vector<Instr>& code_;
  std::vector<uint32_t> starts_, blockOf_, order_, rank_, postDominator_;
  std::vector<std::vector<uint32_t>> next_;
  std::vector<bool> reaches_;
};

}  // namespace

void findRejoins(Function& function) { Flow(function).run(); }

}  // namespace softcuda
