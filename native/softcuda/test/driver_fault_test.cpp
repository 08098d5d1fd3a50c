#include "driver_support.h"

namespace softcuda {
namespace {

using DriverFaultTest = DriverTest;

TEST_F(DriverFaultTest, shouldFailTheAllocationThatItIsToldTo) {
  start({{"FAIL_ALLOCATION", "2"}});
  CUdeviceptr p = 0;
  void* host = nullptr;
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAllocHost_v2(&host, 4), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(cuMemAllocHost_v2(&host, 4), CUDA_SUCCESS);
}

TEST_F(DriverFaultTest, shouldBreakTheContextByTheLaunchOrCopyThatItIsToldTo) {
  for (const char* fault : {"FAIL_LAUNCH", "FAIL_COPY"}) {
    start({{fault, "2"}});
    loadKernels();
    const CUdeviceptr p = array({1});  // one copy
    ASSERT_EQ(launch(add, p, 1, 1), CUDA_SUCCESS);
    ASSERT_EQ(launch(add, p, 1, 1), CUDA_SUCCESS);
    uint32_t host;
    EXPECT_EQ(cuMemcpyDtoH_v2(&host, p, 4), CUDA_ERROR_LAUNCH_FAILED) << fault;
    EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_FAILED);
  }
}

TEST_F(DriverFaultTest, shouldLoseTheDeviceForGood) {
  start({{"LOSE_DEVICE", "4"}});  // the two calls of start and the first below come before
  CUdeviceptr p = 0;
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_ERROR_UNKNOWN);
  EXPECT_EQ(cuDevicePrimaryCtxReset_v2(0), CUDA_ERROR_UNKNOWN);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_UNKNOWN);
  start();
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_SUCCESS);
}

TEST_F(DriverFaultTest, shouldChangeAFaultWhileItRuns) {
  start();
  CUdeviceptr p = 0;
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_SUCCESS);
  EXPECT_EQ(softcudaSet("FAIL_ALLOCATION", "1:719"), 0);
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_SUCCESS);
  EXPECT_EQ(softcudaSet("NO_SUCH_THING", "1"), 1);
}

TEST_F(DriverFaultTest, shouldReportWhatAContextLeavesBehind) {
  expectedFindings = 3;
  const std::string file = temporaryFile("leaks.jsonl");
  start({{"LEAKS", "1"}, {"FINDINGS", file.c_str()}});
  loadKernels();
  CUdeviceptr p = 0;
  ASSERT_EQ(cuMemAlloc_v2(&p, 40), CUDA_SUCCESS);
  stream();
  ASSERT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  EXPECT_EQ(contentOf(file),
            "{\"check\":\"leak\",\"text\":\"cuMemAlloc_v2 #1 of 40 bytes is never freed\"}\n"
            "{\"check\":\"leak\",\"text\":\"1 stream is never destroyed\"}\n"
            "{\"check\":\"leak\",\"text\":\"1 module is never unloaded\"}\n");
}

TEST_F(DriverFaultTest, shouldWriteWhereAFindingIs) {
  expectedFindings = 1;
  const std::string file = temporaryFile("findings.jsonl");
  start({{"FINDINGS", file.c_str()}});
  loadKernels();
  const CUdeviceptr p = array({1, 2});
  ASSERT_EQ(launch(add, p, 1, 3), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
  const std::string finding = contentOf(file);
  EXPECT_NE(finding.find("\"check\":\"bounds\",\"kernel\":\"add\""), std::string::npos) << finding;
  EXPECT_NE(finding.find("\"thread\":[2,0,0]"), std::string::npos) << finding;
  EXPECT_NE(finding.find("\"address\":" + std::to_string(p + 8)), std::string::npos) << finding;
}

TEST_F(DriverFaultTest, shouldSumCountersAKernel) {
  const std::string file = temporaryFile("counters.jsonl");
  start({{"COUNTERS", file.c_str()}});
  loadKernels();
  const CUdeviceptr p = array({1, 2, 3, 4});
  for (int i = 0; i < 3; ++i) ASSERT_EQ(launch(add, p, 1, 4), CUDA_SUCCESS);
  ASSERT_EQ(launch(put, p, 1, 4), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
  softcudaDumpCounters();
  const std::string counters = contentOf(file);
  EXPECT_EQ(counters.rfind("{\"kernel\":\"add\",\"launches\":3,\"counters\":{", 0), 0u) << counters;
  EXPECT_NE(counters.find("\n{\"kernel\":\"put\",\"launches\":1,"), std::string::npos) << counters;
  softcudaDumpCounters();
  EXPECT_EQ(contentOf(file), counters) << "counted from zero again";
}

}  // namespace
}  // namespace softcuda
