#include <atomic>
#include <chrono>
#include <thread>

#include "driver_support.h"

namespace softcuda {
namespace {

using DriverStreamTest = DriverTest;

CUevent event() {
  CUevent e = nullptr;
  EXPECT_EQ(cuEventCreate(&e, CU_EVENT_DISABLE_TIMING), CUDA_SUCCESS);
  return e;
}

TEST_F(DriverStreamTest, shouldRunAStreamInItsOrder) {
  for (const char* order : {"late", "random", "eager"}) {
    start({{"ORDER", order}, {"SEED", "3"}});
    loadKernels();
    const CUdeviceptr p = array({1});
    const CUstream s = stream();
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(launch(add, p, 1, 1, s), CUDA_SUCCESS);
      ASSERT_EQ(launch(multiply, p, 2, 1, s), CUDA_SUCCESS);
    }
    ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
    EXPECT_EQ(read(p, 1)[0], 3145726u) << order;
  }
}

TEST_F(DriverStreamTest, shouldShowAMissingWaitBetweenStreams) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream producer = stream(), consumer = stream();
  ASSERT_EQ(launch(add, p, 9, 1, producer), CUDA_SUCCESS);
  ASSERT_EQ(launch(multiply, p, 2, 1, consumer), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 11u) << "the later stream runs first where nothing forbids it";
}

TEST_F(DriverStreamTest, shouldHonourAWaitForAnEvent) {
  for (const char* seed : {"1", "2", "3", "4", "5"}) {
    start({{"ORDER", "random"}, {"SEED", seed}});
    loadKernels();
    const CUdeviceptr p = array({1});
    const CUstream producer = stream(), consumer = stream();
    const CUevent produced = event();
    ASSERT_EQ(launch(add, p, 9, 1, producer), CUDA_SUCCESS);
    ASSERT_EQ(cuEventRecord(produced, producer), CUDA_SUCCESS);
    ASSERT_EQ(cuStreamWaitEvent(consumer, produced, 0), CUDA_SUCCESS);
    ASSERT_EQ(launch(multiply, p, 2, 1, consumer), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
    EXPECT_EQ(read(p, 1)[0], 20u) << "seed " << seed;
  }
}

TEST_F(DriverStreamTest, shouldRunIndependentStreamsInDifferentOrdersBySeed) {
  bool addedFirst = false, multipliedFirst = false;
  for (int seed = 0; seed < 40; ++seed) {
    start({{"ORDER", "random"}, {"SEED", std::to_string(seed).c_str()}});
    loadKernels();
    const CUdeviceptr p = array({1});
    ASSERT_EQ(launch(add, p, 9, 1, stream()), CUDA_SUCCESS);
    ASSERT_EQ(launch(multiply, p, 2, 1, stream()), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
    const uint32_t result = read(p, 1)[0];
    addedFirst |= result == 20, multipliedFirst |= result == 11;
    EXPECT_TRUE(result == 20 || result == 11) << result;
  }
  EXPECT_TRUE(addedFirst && multipliedFirst);
}

TEST_F(DriverStreamTest, shouldOrderBlockingStreamsWithTheLegacyOne) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream blocking = stream(0), other = stream(0);
  ASSERT_EQ(launch(add, p, 9, 1, blocking), CUDA_SUCCESS);
  ASSERT_EQ(launch(multiply, p, 2, 1, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(launch(add, p, 1, 1, other), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(other), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 21u);
}

TEST_F(DriverStreamTest, shouldOrderTheLegacyStreamAfterADestroyedOne) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream blocking = stream(0);
  ASSERT_EQ(launch(add, p, 9, 1, blocking), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamDestroy_v2(blocking), CUDA_SUCCESS);
  ASSERT_EQ(launch(multiply, p, 2, 1, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 20u);
}

TEST_F(DriverStreamTest, shouldNotOrderNonBlockingStreamsWithTheLegacyOne) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream free = stream(CU_STREAM_NON_BLOCKING);
  ASSERT_EQ(launch(add, p, 9, 1, free), CUDA_SUCCESS);
  ASSERT_EQ(launch(multiply, p, 2, 1, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(free), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 11u);
}

TEST_F(DriverStreamTest, shouldGiveEachThreadAStreamOfItsOwn) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  ASSERT_EQ(launch(add, p, 9, 1, CU_STREAM_PER_THREAD), CUDA_SUCCESS);
  std::thread([&] {
    ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
    ASSERT_EQ(launch(multiply, p, 2, 1, CU_STREAM_PER_THREAD), CUDA_SUCCESS);
    ASSERT_EQ(cuStreamSynchronize(CU_STREAM_PER_THREAD), CUDA_SUCCESS);
  }).join();
  EXPECT_EQ(read(p, 1)[0], 11u);
}

#if defined(__x86_64__)
TEST_F(DriverStreamTest, shouldMeanTheThreadsStreamByTheNullStreamOfThePerThreadNames) {
  start();
  loadKernels();
  CUdeviceptr p = array({1});
  uint32_t nine = 9;
  void* parameters[] = {&p, &nine};
  ASSERT_EQ(cuLaunchKernel_ptsz(add, 1, 1, 1, 1, 1, 1, 0, nullptr, parameters, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize_ptsz(nullptr), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 10u);
  unsigned long long own = 0, named = 0, legacy = 0;
  ASSERT_EQ(cuStreamGetId_ptsz(nullptr, &own), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamGetId(CU_STREAM_PER_THREAD, &named), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamGetId(nullptr, &legacy), CUDA_SUCCESS);
  EXPECT_EQ(own, named);
  EXPECT_NE(own, legacy);
}
#endif

TEST_F(DriverStreamTest, shouldServeManyThreads) {
  start({{"ORDER", "random"}});
  loadKernels();
  static std::atomic<int> calls;
  calls = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
      const CUdeviceptr p = array({1});
      const CUstream s = stream();
      for (int i = 0; i < 25; ++i) {
        ASSERT_EQ(launch(add, p, 1, 1, s), CUDA_SUCCESS);
        if (i % 5 == 0) {
          ASSERT_EQ(cuLaunchHostFunc(s, [](void*) { ++calls; }, nullptr), CUDA_SUCCESS);
        }
        if (i % 8 == 0) {
          ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
        }
      }
      ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
      EXPECT_EQ(read(p, 1)[0], 26u);
      EXPECT_EQ(cuMemFree_v2(p), CUDA_SUCCESS);
      EXPECT_EQ(cuStreamDestroy_v2(s), CUDA_SUCCESS);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 20);
}

TEST_F(DriverStreamTest, shouldAnswerNotReadyUntilTheWorkIsDoneAndMakeProgressWhenAsked) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream s = stream();
  const CUevent done = event();
  EXPECT_EQ(cuEventQuery(done), CUDA_SUCCESS) << "never recorded";
  ASSERT_EQ(launch(add, p, 1, 1, s), CUDA_SUCCESS);
  ASSERT_EQ(cuEventRecord(done, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamQuery(s), CUDA_ERROR_NOT_READY);
  int queries = 0;
  while (cuEventQuery(done) == CUDA_ERROR_NOT_READY) ASSERT_LT(++queries, 10);
  EXPECT_EQ(cuStreamQuery(s), CUDA_SUCCESS);
}

TEST_F(DriverStreamTest, shouldNeverMeasureATime) {
  start();
  CUevent first = nullptr, last = nullptr;
  ASSERT_EQ(cuEventCreate(&first, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuEventCreate(&last, 0), CUDA_SUCCESS);
  float milliseconds = -1;
  EXPECT_EQ(cuEventElapsedTime(&milliseconds, first, last), CUDA_ERROR_INVALID_HANDLE) << "not recorded";
  ASSERT_EQ(cuEventRecord(first, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuEventRecord(last, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuEventSynchronize(last), CUDA_SUCCESS);
  EXPECT_EQ(cuEventElapsedTime(&milliseconds, first, last), CUDA_SUCCESS);
  EXPECT_EQ(milliseconds, 0);
}

TEST_F(DriverStreamTest, shouldCallHostFunctionsInOrderAndPermitThemNoCalls) {
  start();
  loadKernels();
  const CUstream s = stream();
  void* pinned = nullptr;
  ASSERT_EQ(cuMemAllocHost_v2(&pinned, 4), CUDA_SUCCESS);
  const CUdeviceptr p = array({1});
  struct Seen {
    uint32_t* value;
    uint32_t copy = 0;
    CUresult call = CUDA_SUCCESS;
  } seen{static_cast<uint32_t*>(pinned)};
  ASSERT_EQ(launch(add, p, 4, 1, s), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyDtoHAsync_v2(pinned, p, 4, s), CUDA_SUCCESS);
  const CUhostFn look = [](void* data) {
    auto* at = static_cast<Seen*>(data);
    at->copy = *at->value;
    at->call = cuCtxSynchronize();
  };
  ASSERT_EQ(cuLaunchHostFunc(s, look, &seen), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(seen.copy, 5u);
  EXPECT_EQ(seen.call, CUDA_ERROR_NOT_PERMITTED);
}

TEST_F(DriverStreamTest, shouldTellCallbacksOfAFailureAndSkipHostFunctions) {
  expectedFindings = 1;
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream s = stream();
  static CUresult told;
  static bool called;
  told = CUDA_SUCCESS, called = false;
  ASSERT_EQ(launch(add, p, 1, 32, s), CUDA_SUCCESS);
  ASSERT_EQ(cuLaunchHostFunc(s, [](void*) { called = true; }, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamAddCallback(
                s, [](CUstream, CUresult status, void*) { told = status; }, nullptr, 0),
            CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(told, CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_FALSE(called);
}

TEST_F(DriverStreamTest, shouldMakeProgressForAHostThatOnlyWaits) {
  start({{"PROGRESS_MS", "5"}});
  static std::atomic<bool> called;
  called = false;
  ASSERT_EQ(cuLaunchHostFunc(stream(), [](void*) { called = true; }, nullptr), CUDA_SUCCESS);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!called && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace softcuda
