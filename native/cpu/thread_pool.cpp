#include "cpu/thread_pool.h"

namespace coxswain::cpu {
namespace {

/** A worker looks this often for new work before it sleeps: waking costs more than most loops between two
 * layers. */
constexpr int kSpins = 2000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(threads - 1);
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    posts_.fetch_add(1);
  }
  posted_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Loop::work() {
  for (;;) {
    int64_t task = next.fetch_add(1, std::memory_order_relaxed);
    if (task >= tasks) return;
    try {
      body(context, task);
    } catch (...) {
      std::lock_guard<std::mutex> lock(errorMutex);
      if (!error) error = std::current_exception();
      next.store(tasks, std::memory_order_relaxed);
    }
  }
}

void ThreadPool::share(Loop& loop) {
  enlist(loop);
  loop.work();
  retire(loop);
  if (loop.error) std::rethrow_exception(loop.error);
}

void ThreadPool::enlist(Loop& loop) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    Loop** end = &first_;
    while (*end != nullptr) end = &(*end)->after;
    *end = &loop;
    posts_.fetch_add(1);
  }
  posted_.notify_all();
}

void ThreadPool::retire(Loop& loop) {
  std::unique_lock<std::mutex> lock(mutex_);
  Loop** link = &first_;
  while (*link != &loop) link = &(*link)->after;
  *link = loop.after;
  left_.wait(lock, [&] { return loop.helpers == 0; });
}

ThreadPool::Loop* ThreadPool::openLoop() {
  Loop* loop = first_;
  while (loop != nullptr && loop->exhausted()) loop = loop->after;
  return loop;
}

void ThreadPool::serve() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    Loop* loop = openLoop();
    if (loop != nullptr) {
      ++loop->helpers;
      lock.unlock();
      loop->work();
      lock.lock();
      if (--loop->helpers == 0) left_.notify_all();
      continue;
    }
    uint64_t seen = posts_.load();
    lock.unlock();
    for (int spin = 0; spin < kSpins && posts_.load(std::memory_order_relaxed) == seen; ++spin) pause();
    lock.lock();
    posted_.wait(lock, [&] { return stopping_ || posts_.load() != seen; });
  }
}

}  // namespace coxswain::cpu
