#include "queue.h"

#include <algorithm>
#include <thread>
#include <unordered_map>
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
  pending_.emplace(op->sequence, op);
  ++activity_;
  if (order_ == Order::eager) await(op);
  while (order_ == Order::random && !pending_.empty() && below(4) == 0) {
    const auto ready = readyOps();
    if (ready.empty()) break;
    execute(ready[below(ready.size())]);
  }
  while (pending_.size() > maxPending) await(pending_.begin()->second);
  return op;
}

void Queue::await(const std::shared_ptr<Op>& target) {
  while (target && target->state != Op::State::done) {
    drain({target});
    if (target->state != Op::State::done) wait();
  }
}

void Queue::awaitAll(const Context& context) {
  for (;;) {
    Ops mine;
    for (const auto& [sequence, op] : pending_)
      if (op->context.get() == &context) mine.push_back(op);
    if (mine.empty()) return;
    drain(mine);
    if (std::any_of(mine.begin(), mine.end(), [](const auto& op) { return op->state == Op::State::running; }))
      wait();
  }
}

void Queue::nudge(const std::shared_ptr<Op>& target) {
  if (!target || target->state == Op::State::done) return;
  if (const auto op = firstReadyAncestor(target)) execute(op);
}

void Queue::dropAll() {
  const auto isRunning = [](const auto& entry) { return entry.second->state == Op::State::running; };
  while (std::any_of(pending_.begin(), pending_.end(), isRunning)) wait();
  for (const auto& [sequence, op] : pending_) {
    op->state = Op::State::done;
    op->after.clear();
    op->run = nullptr, op->context = nullptr;
  }
  pending_.clear();
  changed_.notify_all();
}

uint64_t Queue::progress(uint64_t mark) {
  if (mark == activity_) {
    const auto ready = readyOps();
    if (!ready.empty()) execute(ready.front());
  }
  return activity_;
}

void Queue::drain(const Ops& targets) {
  ++activity_;
  if (order_ == Order::random)
    drainRandom(targets);
  else
    drainLate(targets);
}

// Of what the targets wait for, always the operation submitted last among those that may run, and nothing
// else: so an order that no event or stream states does not come about by itself.
void Queue::drainLate(const Ops& targets) {
  Ops open = targets;
  std::unordered_map<const Op*, Ops> dependents;
  std::unordered_set<const Op*> seen;
  std::map<uint64_t, std::shared_ptr<Op>> ready;
  while (!open.empty()) {
    const auto op = std::move(open.back());
    open.pop_back();
    if (op->state == Op::State::done || !seen.insert(op.get()).second) continue;
    if (isReady(*op)) ready.emplace(op->sequence, op);
    for (const auto& before : op->after) {
      if (before->state == Op::State::done) continue;
      dependents[before.get()].push_back(op);
      open.push_back(before);
    }
  }
  while (!ready.empty()) {
    const auto op = std::prev(ready.end())->second;
    ready.erase(std::prev(ready.end()));
    if (isReady(*op)) execute(op);
    for (const auto& next : dependents[op.get()])
      if (isReady(*next)) ready.emplace(next->sequence, next);
  }
}

void Queue::drainRandom(const Ops& targets) {
  const auto isDone = [](const auto& op) { return op->state == Op::State::done; };
  while (!std::all_of(targets.begin(), targets.end(), isDone)) {
    const auto ready = readyOps();
    if (ready.empty()) return;
    execute(ready[below(ready.size())]);
  }
}

std::shared_ptr<Op> Queue::firstReadyAncestor(const std::shared_ptr<Op>& target) const {
  Ops open{target};
  std::unordered_set<const Op*> seen;
  while (!open.empty()) {
    const auto op = std::move(open.back());
    open.pop_back();
    if (isReady(*op)) return op;
    for (const auto& before : op->after)
      if (before->state != Op::State::done && seen.insert(before.get()).second) open.push_back(before);
  }
  return nullptr;
}

Queue::Ops Queue::readyOps() const {
  Ops ready;
  for (const auto& [sequence, op] : pending_)
    if (isReady(*op)) ready.push_back(op);
  return ready;
}

void Queue::execute(const std::shared_ptr<Op>& op) {
  op->state = Op::State::running;
  const std::shared_ptr<Context> context = op->context;
  const CUresult failed = context->failure();
  if (op->host.call && (failed == CUDA_SUCCESS || op->host.always)) {
    gate_.unlock();
    runOnOwnThread(op->host, failed);
    gate_.lock();
  } else if (op->run && failed == CUDA_SUCCESS) {
    const CUresult result = op->run();
    if (result != CUDA_SUCCESS) context->fail(result);
  }
  op->state = Op::State::done;
  op->after.clear();
  op->run = nullptr;
  op->host = {};
  op->context = nullptr;  // the context's streams keep their last operations
  pending_.erase(op->sequence);
  changed_.notify_all();
}

void Queue::wait() {
  std::unique_lock<std::mutex> hold(gate_, std::adopt_lock);
  changed_.wait(hold);
  hold.release();
}

}  // namespace softcuda
