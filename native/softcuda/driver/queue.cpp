#include "queue.h"

#include <algorithm>
#include <thread>
#include <unordered_set>

#include "state.h"

namespace softcuda {
namespace {

thread_local bool hostFunctionRuns = false;
// As a real driver's queue, which holds about as many launches and then makes the caller wait.
constexpr size_t maxPending = 1024;

bool isReady(const Op& op) {
  return op.state == Op::State::pending &&
         std::all_of(op.after.begin(), op.after.end(),
                     [](const auto& before) { return before->state == Op::State::done; });
}

void runOnOwnThread(const Op::HostCall& host, CUresult status) {
  std::thread([&] {
    hostFunctionRuns = true;
    host.call(status);
  }).join();
}

}  // namespace

bool insideHostFunction() { return hostFunctionRuns; }

void Queue::configure(const Settings& settings) {
  order_ = settings.order;
  random_.seed(settings.seed);
}

std::shared_ptr<Op> Queue::submit(std::shared_ptr<Context> context, std::vector<std::shared_ptr<Op>> after,
                                  std::function<CUresult()> run, Op::HostCall host) {
  after.erase(std::remove_if(after.begin(), after.end(),
                             [](const auto& op) { return !op || op->state == Op::State::done; }),
              after.end());
  auto op = std::make_shared<Op>();
  op->sequence = ++sequence_, op->context = std::move(context), op->after = std::move(after);
  op->run = std::move(run), op->host = std::move(host);
  pending_.push_back(op);
  ++activity_;
  if (order_ == Order::eager) await(op);
  while (order_ == Order::random && !pending_.empty() && below(4) == 0) {
    const auto ready = readyOps();
    if (ready.empty()) break;
    execute(ready[below(ready.size())]);
  }
  while (pending_.size() > maxPending) await(pending_.front());
  return op;
}

void Queue::await(const std::shared_ptr<Op>& target) {
  ++activity_;
  while (target && target->state != Op::State::done) {
    if (const auto op = choose(target))
      execute(op);
    else
      wait();
  }
}

void Queue::awaitAll(const Context& context) {
  for (;;) {
    ++activity_;
    std::vector<std::shared_ptr<Op>> mine;
    for (const auto& op : readyOps())
      if (op->context.get() == &context) mine.push_back(op);
    if (!mine.empty()) {
      execute(order_ == Order::late ? mine.back() : mine[below(mine.size())]);
    } else {
      const auto left = std::find_if(pending_.begin(), pending_.end(),
                                     [&](const auto& op) { return op->context.get() == &context; });
      if (left == pending_.end()) return;
      await(*left);  // it waits for another context's work
    }
  }
}

void Queue::nudge(const std::shared_ptr<Op>& target) {
  if (!target || target->state == Op::State::done) return;
  if (const auto op = choose(target)) execute(op);
}

void Queue::dropAll() {
  while (!pending_.empty()) {
    const auto running = std::find_if(pending_.begin(), pending_.end(),
                                      [](const auto& op) { return op->state == Op::State::running; });
    if (running != pending_.end()) {
      wait();
      continue;
    }
    for (const auto& op : pending_) op->state = Op::State::done, op->after.clear(), op->run = nullptr;
    pending_.clear();
  }
  changed_.notify_all();
}

uint64_t Queue::progress(uint64_t mark) {
  if (mark == activity_) {
    const auto ready = readyOps();
    if (!ready.empty()) execute(ready.front());
  }
  return activity_;
}

// Late: of what the target waits for, the operation submitted last among those that may run, so that an order
// which no event or stream states does not come about by itself. Random: any operation that may run.
std::shared_ptr<Op> Queue::choose(const std::shared_ptr<Op>& target) {
  const auto ready = order_ == Order::random ? readyOps() : readyAncestors(target);
  if (ready.empty()) return nullptr;
  if (order_ == Order::random) return ready[below(ready.size())];
  return *std::max_element(ready.begin(), ready.end(),
                           [](const auto& a, const auto& b) { return a->sequence < b->sequence; });
}

std::vector<std::shared_ptr<Op>> Queue::readyAncestors(const std::shared_ptr<Op>& target) const {
  std::vector<std::shared_ptr<Op>> ready, open{target};
  std::unordered_set<const Op*> seen{target.get()};
  while (!open.empty()) {
    const auto op = std::move(open.back());
    open.pop_back();
    if (isReady(*op)) ready.push_back(op);
    for (const auto& before : op->after)
      if (before->state != Op::State::done && seen.insert(before.get()).second) open.push_back(before);
  }
  return ready;
}

std::vector<std::shared_ptr<Op>> Queue::readyOps() const {
  std::vector<std::shared_ptr<Op>> ready;
  for (const auto& op : pending_)
    if (isReady(*op)) ready.push_back(op);
  return ready;
}

void Queue::execute(const std::shared_ptr<Op>& op) {
  op->state = Op::State::running;
  Context& context = *op->context;
  const CUresult failed = context.failure();
  if (op->host.call && (failed == CUDA_SUCCESS || op->host.always)) {
    gate_.unlock();
    runOnOwnThread(op->host, failed);
    gate_.lock();
  } else if (op->run && failed == CUDA_SUCCESS) {
    const CUresult result = op->run();
    if (result != CUDA_SUCCESS) context.fail(result);
  }
  op->state = Op::State::done;
  op->after.clear();
  op->run = nullptr;
  op->host = {};
  pending_.remove(op);
  changed_.notify_all();
}

void Queue::wait() {
  std::unique_lock<std::mutex> hold(gate_, std::adopt_lock);
  changed_.wait(hold);
  hold.release();
}

}  // namespace softcuda
