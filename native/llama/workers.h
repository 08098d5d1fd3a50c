// Independent sequences side by side: each worker is a thread with a session and a lane of its own.
// Unlike several threads inside one decode, workers never wait for each other, which is faster on an
// idle machine and far faster on a busy one.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "workbench.h"

namespace coxllama {

// One thread's means of work.
class Worker {
 public:
  Worker(Workbench& bench, SessionShape shape) : bench_(bench), session_(bench.session(shape)) {}

  Session& session() { return *session_; }

  // Opened when first asked for, on the worker's thread.
  cox_lane* lane();

 private:
  Workbench& bench_;
  std::unique_ptr<Session> session_;
  LaneHandle lane_;
};

// Runs `job` on n workers at once, each with shape.threads threads; the first failure is rethrown once
// all have ended. `job` must notice the failure of another where it waits for it.
void runWorkers(Workbench& bench, int n, SessionShape shape, const std::function<void(Worker&)>& job);

// Hands out 0, 1, ... n - 1, each once.
class Counter {
 public:
  explicit Counter(size_t n) : n_(n) {}

  // The next number, or n when there is none.
  size_t next() {
    std::lock_guard<std::mutex> lock(mutex_);
    return next_ < n_ ? next_++ : n_;
  }
  size_t end() const { return n_; }

 private:
  std::mutex mutex_;
  size_t n_;
  size_t next_ = 0;
};

// Lets numbered work through in the order of its numbers.
class Turnstile {
 public:
  // Blocks until all lower numbers have passed; throws Failure once one has failed.
  void wait(size_t number);
  void pass();
  void fail();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t turn_ = 0;
  bool failed_ = false;
};

}  // namespace coxllama
