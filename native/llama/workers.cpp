#include "workers.h"

#include <exception>
#include <thread>
#include <vector>

#include "failure.h"

namespace coxllama {

cox_lane* Worker::lane() {
  if (!lane_) {
    lane_ = openLane(bench_.engine());
  }
  return lane_.get();
}

void runWorkers(Workbench& bench, int n, SessionShape shape, const std::function<void(Worker&)>& job) {
  std::exception_ptr failure;
  std::mutex mutex;
  auto work = [&] {
    try {
      Worker worker(bench, shape);
      job(worker);
    } catch (...) {
      std::lock_guard<std::mutex> lock(mutex);
      if (!failure) {
        failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < n; i++) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void Turnstile::wait(size_t number) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return failed_ || turn_ == number; });
  if (failed_) {
    throw Failure(Fault::kDevice, "stopped because another worker failed");
  }
}

void Turnstile::pass() {
  std::lock_guard<std::mutex> lock(mutex_);
  turn_++;
  changed_.notify_all();
}

void Turnstile::fail() {
  std::lock_guard<std::mutex> lock(mutex_);
  failed_ = true;
  changed_.notify_all();
}

}  // namespace coxllama
