#include "cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>
#include <vector>

using coxswain::cpu::ThreadPool;

namespace {

TEST(ThreadPool, shouldRunEachTaskOnce) {
  for (int threads : {1, 2, 3, 7}) {
    ThreadPool pool(threads);
    for (int64_t tasks : {0, 1, 2, 5, 1000}) {
      std::vector<int> runs(tasks, 0);
      pool.run(tasks, [&](int64_t task) { ++runs[task]; });
      EXPECT_EQ(std::vector<int>(tasks, 1), runs);
    }
  }
}

TEST(ThreadPool, shouldServeCallersOnManyThreadsAtOnce) {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::vector<int64_t> sums(6, 0);
  for (int c = 0; c < 6; ++c) {
    callers.emplace_back([&, c] {
      for (int round = 0; round < 200; ++round) {
        std::vector<int64_t> parts(17);
        pool.run(17, [&](int64_t task) { parts[task] = task * (c + 1); });
        for (int64_t part : parts) sums[c] += part;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (int c = 0; c < 6; ++c) EXPECT_EQ(200 * 136 * (c + 1), sums[c]);
}

TEST(ThreadPool, shouldRethrowATasksExceptionToItsCallerAndGoOn) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.run(100,
                        [](int64_t task) {
                          if (task == 42) throw std::runtime_error("task 42");
                        }),
               std::runtime_error);
  std::vector<int> runs(10, 0);
  pool.run(10, [&](int64_t task) { ++runs[task]; });
  EXPECT_EQ(std::vector<int>(10, 1), runs);
}

TEST(ThreadPool, shouldRunALoopInsideATask) {
  ThreadPool pool(2);
  std::vector<std::vector<int>> runs(4, std::vector<int>(5, 0));
  pool.run(4, [&](int64_t outer) { pool.run(5, [&](int64_t inner) { ++runs[outer][inner]; }); });
  EXPECT_EQ(std::vector<std::vector<int>>(4, std::vector<int>(5, 1)), runs);
}

}  // namespace
