// Persistent threads that share out numbered tasks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace coxswain::cpu {

/**
 * Runs loops of independent tasks on `threads` threads, the caller's among them. Any thread may call, several
 * at once: each takes part in its own loop, idle workers help whichever loop came first. Which thread runs
 * which task is not defined, so results must not depend on it. An exception of a task is rethrown to that
 * loop's caller.
 */
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /** Calls body(task) for each task in [0, tasks); returns when all are done. */
  template <class Body>
  void run(int64_t tasks, const Body& body) {
    if (tasks <= 1 || workers_.empty()) {
      for (int64_t task = 0; task < tasks; ++task) body(task);
      return;
    }
    Loop loop;
    loop.body = [](const void* context, int64_t task) { (*static_cast<const Body*>(context))(task); };
    loop.context = &body;
    loop.tasks = tasks;
    share(loop);
  }

 private:
  struct Loop {
    void (*body)(const void*, int64_t);
    const void* context;
    int64_t tasks;
    std::atomic<int64_t> next{0};
    int helpers = 0;  // workers inside; guarded by mutex_
    std::mutex errorMutex;
    std::exception_ptr error;
    Loop* after = nullptr;  // guarded by mutex_

    bool exhausted() const { return next.load(std::memory_order_relaxed) >= tasks; }
    void work();
  };

  void share(Loop& loop);
  void enlist(Loop& loop);
  void retire(Loop& loop);
  void serve();
  Loop* openLoop();

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::condition_variable left_;
  std::atomic<uint64_t> posts_{0};
  Loop* first_ = nullptr;  // loops that workers may join, oldest first; guarded by mutex_
  bool stopping_ = false;
};

}  // namespace coxswain::cpu
