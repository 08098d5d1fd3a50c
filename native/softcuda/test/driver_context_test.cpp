#include <cstring>
#include <map>
#include <thread>

#include "driver_support.h"

namespace softcuda {
namespace {

using DriverContextTest = DriverTest;

constexpr int multiprocessors = 16, sharedPerCta = 8, sharedOptin = 97, major = 75, minor = 76,
              threadsPerSm = 39;

int attribute(int name) {
  int value = -1;
  EXPECT_EQ(cuDeviceGetAttribute(&value, name, 0), CUDA_SUCCESS);
  return value;
}

TEST_F(DriverContextTest, shouldAnswerNothingBeforeItIsInitialised) {
  int count = 0;
  EXPECT_EQ(cuDeviceGetCount(&count), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_NOT_INITIALIZED);
}

TEST_F(DriverContextTest, shouldSayWhatItIsInTheDevicesName) {
  for (const char* preset : {"sm_80", "sm_89", "sm_90"}) {
    start({{"DEVICE_PRESET", preset}});
    char name[128];
    ASSERT_EQ(cuDeviceGetName(name, sizeof name, 0), CUDA_SUCCESS);
    EXPECT_EQ(std::strstr(name, "software CUDA driver (test)"), name) << name;
  }
}

TEST_F(DriverContextTest, shouldHaveTheLimitsOfThePresetsGpu) {
  struct Expected {
    int sms, optin, capability, threads;
  };
  const std::map<const char*, Expected> gpus{{"sm_80", {108, 166912, 80, 2048}},
                                             {"sm_89", {58, 101376, 89, 1536}},
                                             {"sm_90", {132, 232448, 90, 2048}}};
  for (const auto& [preset, gpu] : gpus) {
    start({{"DEVICE_PRESET", preset}});
    EXPECT_EQ(attribute(multiprocessors), gpu.sms);
    EXPECT_EQ(attribute(sharedPerCta), 49152);
    EXPECT_EQ(attribute(sharedOptin), gpu.optin);
    EXPECT_EQ(attribute(major) * 10 + attribute(minor), gpu.capability);
    EXPECT_EQ(attribute(threadsPerSm), gpu.threads);
  }
  int value;
  EXPECT_EQ(cuDeviceGetAttribute(&value, 100000, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuDeviceGetAttribute(&value, major, 1), CUDA_ERROR_INVALID_DEVICE);
}

TEST_F(DriverContextTest, shouldHaveNoDeviceWhereToldSo) {
  setenv("SOFTCUDA_NO_DEVICE", "1", 1);
  EXPECT_EQ(cuInit(0), CUDA_ERROR_NO_DEVICE);
}

TEST_F(DriverContextTest, shouldRefuseASettingThatItDoesNotKnow) {
  setenv("SOFTCUDA_DEVICE_PRESET", "sm_10", 1);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(cuInit(0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "softcuda: SOFTCUDA_DEVICE_PRESET='sm_10': expected sm_80, sm_89 or sm_90\n");
}

TEST_F(DriverContextTest, shouldNameAndDescribeItsErrors) {
  const char* text = nullptr;
  EXPECT_EQ(cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(cuGetErrorString(CUDA_ERROR_ILLEGAL_ADDRESS, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "an illegal memory access was encountered");
  EXPECT_EQ(cuGetErrorName(static_cast<CUresult>(12345), &text), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(text, nullptr);
}

TEST_F(DriverContextTest, shouldAnswerNotSupportedForWhatItDoesNotServe) {
  start();
  EXPECT_EQ(cuTexRefCreate(), CUDA_ERROR_NOT_SUPPORTED);
}

TEST_F(DriverContextTest, shouldFindEntryPointsByName) {
  start();
  void* found = nullptr;
  int status = -1;
  EXPECT_EQ(cuGetProcAddress_v2("cuMemAlloc", &found, 12000, 0, &status), CUDA_SUCCESS);
  EXPECT_EQ(found, reinterpret_cast<void*>(&cuMemAlloc_v2));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(cuGetProcAddress_v2("cuCtxCreate", &found, 11000, 0, &status), CUDA_SUCCESS);
  EXPECT_EQ(found, reinterpret_cast<void*>(&cuCtxCreate_v2));
  EXPECT_EQ(cuGetProcAddress_v2("cuNoSuchThing", &found, 12000, 0, &status), CUDA_SUCCESS);
  EXPECT_EQ(found, nullptr);
  EXPECT_EQ(status, 1);
}

TEST_F(DriverContextTest, shouldKeepThePrimaryContextUntilItsLastRelease) {
  start();
  CUcontext again = nullptr;
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&again, 0), CUDA_SUCCESS);
  EXPECT_EQ(again, context);
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_CONTEXT_IS_DESTROYED);
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_ERROR_INVALID_CONTEXT);
  unsigned flags;
  int active = -1;
  EXPECT_EQ(cuDevicePrimaryCtxGetState(0, &flags, &active), CUDA_SUCCESS);
  EXPECT_EQ(active, 0);
}

TEST_F(DriverContextTest, shouldStackContextsAThread) {
  start();
  CUcontext own = nullptr, current = nullptr;
  ASSERT_EQ(cuCtxCreate_v2(&own, 0, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxGetCurrent(&current), CUDA_SUCCESS);
  EXPECT_EQ(current, own);
  std::thread([&] {
    EXPECT_EQ(cuCtxGetCurrent(&current), CUDA_SUCCESS);
    EXPECT_EQ(current, nullptr);
    EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_INVALID_CONTEXT);
  }).join();
  EXPECT_EQ(cuCtxPopCurrent_v2(&current), CUDA_SUCCESS);
  EXPECT_EQ(current, own);
  EXPECT_EQ(cuCtxGetCurrent(&current), CUDA_SUCCESS);
  EXPECT_EQ(current, context);
  EXPECT_EQ(cuCtxDestroy_v2(own), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxPushCurrent_v2(own), CUDA_ERROR_INVALID_CONTEXT);
}

TEST_F(DriverContextTest, shouldRefuseHandlesThatAreStaleForeignOrOfAnotherType) {
  start();
  const CUstream gone = stream();
  ASSERT_EQ(cuStreamDestroy_v2(gone), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(gone), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(cuStreamDestroy_v2(gone), CUDA_ERROR_INVALID_HANDLE);
  CUevent event = nullptr;
  ASSERT_EQ(cuEventCreate(&event, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(reinterpret_cast<CUstream>(event)), CUDA_ERROR_INVALID_HANDLE);
  const CUstream mine = stream();
  CUcontext other = nullptr;
  ASSERT_EQ(cuCtxCreate_v2(&other, 0, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(mine), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(DriverContextTest, shouldFailEveryCallAfterAnIllegalAddressUntilTheContextIsReset) {
  expectedFindings = 1;
  start();
  loadKernels();
  const CUdeviceptr p = array({1, 2, 3, 4});
  ASSERT_EQ(launch(add, p, 1, 64), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
  CUdeviceptr q = 0;
  EXPECT_EQ(cuMemAlloc_v2(&q, 4), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(cuMemFree_v2(p), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(launch(add, p, 1, 4), CUDA_ERROR_ILLEGAL_ADDRESS);
  ASSERT_EQ(cuDevicePrimaryCtxReset_v2(0), CUDA_SUCCESS);
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAlloc_v2(&q, 4), CUDA_SUCCESS);
}

TEST_F(DriverContextTest, shouldTellAnAsynchronousFailureAtTheNextCallThatWaits) {
  start({{"FAIL_LAUNCH", "2:701"}});
  loadKernels();
  const CUdeviceptr p = array({1});
  ASSERT_EQ(launch(add, p, 1, 1), CUDA_SUCCESS);
  ASSERT_EQ(launch(add, p, 1, 1), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_SUCCESS) << "701 does not break the context";
  EXPECT_EQ(read(p, 1)[0], 2u);
}

}  // namespace
}  // namespace softcuda
