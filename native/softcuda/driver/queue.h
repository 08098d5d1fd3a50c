// The queue of asynchronous work: a partial order of operations, run as late as is legal, in a seeded random
// legal order, or at once. The driver's lock is held in every call; it is let go only while a host function
// runs.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "cuda_abi.h"
#include "settings.h"

namespace softcuda {

struct Context;

struct Op {
  enum class State { pending, running, done };
  // Runs on a thread of its own, without the lock, as real host functions do; `always`: also with a failed
  // context, whose error it is told (stream callbacks).
  struct HostCall {
    std::function<void(CUresult)> call;
    bool always = false;
  };

  uint64_t sequence = 0;
  std::shared_ptr<Context> context;
  std::vector<std::shared_ptr<Op>> after;
  std::function<CUresult()> run;  // may be empty: an event, a join
  HostCall host;
  State state = State::pending;
};

class Queue {
 public:
  Queue(std::mutex& gate) : gate_(gate) {}
  void configure(const Settings&);  // order and seed

  // Queues an operation; null entries of `after` and finished ones are dropped.
  std::shared_ptr<Op> submit(std::shared_ptr<Context>, std::vector<std::shared_ptr<Op>> after,
                             std::function<CUresult()> run, Op::HostCall host = {});
  void await(const std::shared_ptr<Op>&);  // runs what it depends on, then it; null: nothing
  void awaitAll(const Context&);
  // Runs at most one operation that `op` waits for: a query makes progress, as a GPU does without being
  // asked.
  void nudge(const std::shared_ptr<Op>& op);
  void dropAll();  // forgets everything that is pending
  size_t pending() const { return pending_.size(); }
  // Runs one operation if nothing was submitted or awaited since `mark`; returns the new mark.
  uint64_t progress(uint64_t mark);

 private:
  using Ops = std::vector<std::shared_ptr<Op>>;

  // Runs what `targets` wait for and then them; operations that wait for another thread's stay.
  void drain(const Ops& targets);
  void drainLate(const Ops& targets);
  void drainRandom(const Ops& targets);
  std::shared_ptr<Op> firstReadyAncestor(const std::shared_ptr<Op>& target) const;
  Ops readyOps() const;
  void execute(const std::shared_ptr<Op>&);
  void wait();
  size_t below(size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random_); }

  std::mutex& gate_;
  std::condition_variable changed_;
  std::map<uint64_t, std::shared_ptr<Op>> pending_;  // not done, by the order of submission
  uint64_t sequence_ = 0, activity_ = 0;
  Order order_ = Order::late;
  std::mt19937_64 random_;
};

// True on a thread that runs a host function: CUDA calls are not permitted there.
bool insideHostFunction();

}  // namespace softcuda
