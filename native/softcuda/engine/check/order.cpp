#include "check/order.h"

#include <algorithm>
#include <set>

#include "execute/launch.h"

namespace softcuda {

void learn(Known& known, const Known& more) {
  for (const auto& [flag, length] : more) {
    auto same = std::find_if(known.begin(), known.end(),
                             [flag = flag](const auto& each) { return each.first == flag; });
    if (same == known.end())
      known.emplace_back(flag, length);
    else
      same->second = std::max(same->second, length);
  }
}

void advance(Warp& w) { ++w.past.clock.at[w.index]; }

void orderFence(Warp& w) {
  w.past.fenced = w.past.clock;
  w.past.fencedKnown = w.past.known;
  ++w.past.fences;
  advance(w);
}

void publish(Warp& w, uint64_t address) {
  if (w.past.fences == 0) return;
  uint64_t& published = w.past.published[address];
  if (published == w.past.fences) return;
  published = w.past.fences;
  GlobalOrder& order = w.cta->launch->order;
  std::lock_guard<std::mutex> lock(order.mutex);
  std::unique_ptr<Flag>& flag = order.flags[address];
  if (flag == nullptr) flag = std::make_unique<Flag>();
  flag->entries[w.cta->index].push_back(flag->log.size());
  flag->log.push_back({w.cta->index, w.past.fenced, w.past.fencedKnown});
}

void acquire(Warp& w, uint64_t address) {
  GlobalOrder& order = w.cta->launch->order;
  std::lock_guard<std::mutex> lock(order.mutex);
  auto flag = order.flags.find(address);
  if (flag == order.flags.end()) return;
  learn(w.past.known, {{flag->second.get(), flag->second->log.size()}});
}

bool knows(const Warp& w, uint64_t cta, uint32_t warp, uint32_t clock) {
  GlobalOrder& order = w.cta->launch->order;
  std::lock_guard<std::mutex> lock(order.mutex);
  Known todo = w.past.known;
  std::unordered_map<const Flag*, size_t> seen;
  while (!todo.empty()) {
    auto [flag, length] = todo.back();
    todo.pop_back();
    size_t& known = seen[flag];
    auto entries = flag->entries.find(cta);
    if (entries != flag->entries.end())
      for (size_t position : entries->second)
        if (position < length && flag->log[position].clock.at[warp] >= clock) return true;
    for (; known < length; ++known)
      for (const auto& more : flag->log[known].known) {
        auto before = seen.find(more.first);
        if (before == seen.end() || before->second < more.second) todo.push_back(more);
      }
  }
  return false;
}

}  // namespace softcuda
