#include <cstring>

#include "driver_support.h"

namespace softcuda {
namespace {

using DriverMemoryTest = DriverTest;

TEST_F(DriverMemoryTest, shouldGiveEveryAllocationAnAddressOfItsOwn) {
  start();
  CUdeviceptr first = 0, second = 0;
  ASSERT_EQ(cuMemAlloc_v2(&first, 100), CUDA_SUCCESS);
  ASSERT_EQ(cuMemFree_v2(first), CUDA_SUCCESS);
  ASSERT_EQ(cuMemAlloc_v2(&second, 100), CUDA_SUCCESS);
  EXPECT_NE(first, second);
  EXPECT_EQ(first % 256, 0u);
  EXPECT_EQ(cuMemFree_v2(first), CUDA_ERROR_INVALID_VALUE) << "freed twice";
  EXPECT_EQ(cuMemFree_v2(second + 4), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemFree_v2(0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAlloc_v2(&first, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverMemoryTest, shouldEndWhereItsMemoryEnds) {
  start({{"MEMORY", "1M"}});
  CUdeviceptr p = 0, q = 0;
  EXPECT_EQ(cuMemAlloc_v2(&p, 700 << 10), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAlloc_v2(&q, 700 << 10), CUDA_ERROR_OUT_OF_MEMORY);
  size_t free = 0, total = 0;
  ASSERT_EQ(cuMemGetInfo_v2(&free, &total), CUDA_SUCCESS);
  EXPECT_EQ(total, 1u << 20);
  EXPECT_LE(free, total - (700 << 10));
  ASSERT_EQ(cuMemFree_v2(p), CUDA_SUCCESS);
  EXPECT_EQ(cuMemAlloc_v2(&q, 700 << 10), CUDA_SUCCESS);
}

TEST_F(DriverMemoryTest, shouldCopyThereAndBack) {
  start();
  const CUdeviceptr p = array({1, 2, 3, 4}), q = array({0, 0, 0, 0});
  EXPECT_EQ(cuMemcpyDtoD_v2(q, p + 4, 12), CUDA_SUCCESS);
  EXPECT_EQ(read(q, 4), (std::vector<uint32_t>{2, 3, 4, 0}));
  uint32_t host[5];
  EXPECT_EQ(cuMemcpyDtoH_v2(host, p, 20), CUDA_ERROR_INVALID_VALUE) << "beyond the allocation";
  EXPECT_EQ(cuMemcpyHtoD_v2(0x1000, host, 4), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverMemoryTest, shouldCopyRectanglesBetweenPitches) {
  start();
  CUdeviceptr p = 0;
  size_t pitch = 0;
  ASSERT_EQ(cuMemAllocPitch_v2(&p, &pitch, 12, 3, 4), CUDA_SUCCESS);
  EXPECT_EQ(pitch % 512, 0u);
  ASSERT_EQ(cuMemsetD32_v2(p, 9, pitch * 3 / 4), CUDA_SUCCESS);
  const uint32_t from[] = {1, 2, 3, 4, 5, 6};
  CUDA_MEMCPY2D copy{};
  copy.srcMemoryType = CU_MEMORYTYPE_HOST, copy.srcHost = from, copy.srcPitch = 8;
  copy.dstMemoryType = CU_MEMORYTYPE_DEVICE, copy.dstDevice = p, copy.dstPitch = pitch, copy.dstXInBytes = 4;
  copy.WidthInBytes = 8, copy.Height = 3;
  ASSERT_EQ(cuMemcpy2D_v2(&copy), CUDA_SUCCESS);
  for (uint32_t row = 0; row < 3; ++row)
    EXPECT_EQ(read(p + row * pitch, 4), (std::vector<uint32_t>{9, 2 * row + 1, 2 * row + 2, 9}));
  copy.dstPitch = 8;
  EXPECT_EQ(cuMemcpy2D_v2(&copy), CUDA_ERROR_INVALID_VALUE) << "rows overlap";
}

TEST_F(DriverMemoryTest, shouldFillWithBytesWordsAndRectangles) {
  start();
  const CUdeviceptr p = array({0, 0, 0, 0});
  ASSERT_EQ(cuMemsetD8_v2(p, 0xab, 4), CUDA_SUCCESS);
  ASSERT_EQ(cuMemsetD32_v2(p + 4, 0x12345678, 1), CUDA_SUCCESS);
  ASSERT_EQ(cuMemsetD2D16_v2(p + 8, 4, 0xcdef, 1, 2), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 4), (std::vector<uint32_t>{0xabababab, 0x12345678, 0xcdef, 0xcdef}));
  EXPECT_EQ(cuMemsetD32_v2(p, 0, 5), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemsetD32_v2(p + 2, 0, 1), CUDA_ERROR_INVALID_VALUE) << "misaligned";
}

TEST_F(DriverMemoryTest, shouldSayWhatAnAddressIs) {
  constexpr int memoryType = 2, rangeStart = 11, rangeSize = 12;
  start();
  const CUdeviceptr p = array({1, 2, 3});
  unsigned type = 0;
  EXPECT_EQ(cuPointerGetAttribute(&type, memoryType, p + 8), CUDA_SUCCESS);
  EXPECT_EQ(type, unsigned(CU_MEMORYTYPE_DEVICE));
  uint64_t value = 0;
  EXPECT_EQ(cuPointerGetAttribute(&value, rangeStart, p + 8), CUDA_SUCCESS);
  EXPECT_EQ(value, p);
  EXPECT_EQ(cuPointerGetAttribute(&value, rangeSize, p + 8), CUDA_SUCCESS);
  EXPECT_EQ(value, 12u);
  EXPECT_EQ(cuPointerGetAttribute(&type, memoryType, reinterpret_cast<CUdeviceptr>(&type)),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverMemoryTest, shouldLetKernelsReachPinnedAndRegisteredHostMemory) {
  start();
  loadKernels();
  void* pinned = nullptr;
  ASSERT_EQ(cuMemAllocHost_v2(&pinned, 16), CUDA_SUCCESS);
  alignas(64) static uint32_t registered[4];
  ASSERT_EQ(cuMemHostRegister_v2(registered, sizeof registered, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuMemHostRegister_v2(registered, sizeof registered, 0),
            CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  for (void* host : {pinned, static_cast<void*>(registered)}) {
    auto* values = static_cast<uint32_t*>(host);
    for (uint32_t i = 0; i < 4; ++i) values[i] = i;
    CUdeviceptr p = 0;
    ASSERT_EQ(cuMemHostGetDevicePointer_v2(&p, host, 0), CUDA_SUCCESS);
    ASSERT_EQ(launch(add, p, 10, 4), CUDA_SUCCESS);
    ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
    EXPECT_EQ(values[3], 13u);
  }
  EXPECT_EQ(cuMemHostUnregister(registered), CUDA_SUCCESS);
  EXPECT_EQ(cuMemHostUnregister(registered), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
  EXPECT_EQ(cuMemFreeHost(pinned), CUDA_SUCCESS);
}

TEST_F(DriverMemoryTest, shouldFindAnAsynchronousCopyFromPageableMemory) {
  expectedFindings = 2;
  start();
  const CUdeviceptr p = array({1});
  uint32_t pageable = 5;
  EXPECT_EQ(cuMemcpyHtoDAsync_v2(p, &pageable, 4, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuMemcpyDtoHAsync_v2(&pageable, p, 4, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverMemoryTest, shouldStageAPageableCopyWhereTheCheckIsOff) {
  start({{"CHECKS", "all,-pageable"}});
  const CUdeviceptr p = array({1});
  uint32_t pageable = 5;
  EXPECT_EQ(cuMemcpyHtoDAsync_v2(p, &pageable, 4, nullptr), CUDA_SUCCESS);
  pageable = 6;
  EXPECT_EQ(read(p, 1)[0], 5u);
}

TEST_F(DriverMemoryTest, shouldReadPinnedMemoryWhenTheCopyRuns) {
  start();
  const CUdeviceptr p = array({1});
  void* pinned = nullptr;
  ASSERT_EQ(cuMemAllocHost_v2(&pinned, 4), CUDA_SUCCESS);
  auto* value = static_cast<uint32_t*>(pinned);
  *value = 5;
  ASSERT_EQ(cuMemcpyHtoDAsync_v2(p, pinned, 4, nullptr), CUDA_SUCCESS);
  *value = 6;  // too early: the copy has not run
  EXPECT_EQ(read(p, 1)[0], 6u);
}

TEST_F(DriverMemoryTest, shouldReturnFromACopyOfPageableMemoryBeforeItReachesTheDevice) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream other = stream(CU_STREAM_NON_BLOCKING);
  const uint32_t host = 5;
  ASSERT_EQ(cuMemcpyHtoD_v2(p, &host, 4), CUDA_SUCCESS);
  ASSERT_EQ(launch(add, p, 1, 1, other), CUDA_SUCCESS);  // nothing orders it after the copy
  ASSERT_EQ(cuStreamSynchronize(other), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 5u) << "the sum of the old value was overwritten";
}

TEST_F(DriverMemoryTest, shouldCopyBetweenDevicesThatDoNotReachEachOther) {
  start({{"DEVICES", "2"}});
  const CUdeviceptr p = array({1, 2, 3});
  CUcontext other = nullptr;
  ASSERT_EQ(cuCtxCreate_v2(&other, 0, 1), CUDA_SUCCESS);
  const CUdeviceptr q = array({0, 0, 0});
  ASSERT_EQ(cuMemcpyPeer(q, other, p, context, 12), CUDA_SUCCESS);
  EXPECT_EQ(read(q, 3), (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(cuMemcpyPeer(q, other, p, context, 16), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverMemoryTest, shouldReleaseStreamOrderedMemoryInTheStreamsOrder) {
  start();
  loadKernels();
  const CUstream s = stream();
  CUdeviceptr p = 0;
  ASSERT_EQ(cuMemAllocAsync(&p, 64, s), CUDA_SUCCESS);
  ASSERT_EQ(launch(put, p, 3, 16, s), CUDA_SUCCESS);
  ASSERT_EQ(cuMemFreeAsync(p, s), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeAsync(p, s), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  uint32_t host;
  EXPECT_EQ(cuMemcpyDtoH_v2(&host, p, 4), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverMemoryTest, shouldFindMemoryUsedAfterItsStreamOrderedRelease) {
  expectedFindings = 1;
  start();
  loadKernels();
  const CUstream s = stream();
  CUdeviceptr p = 0;
  ASSERT_EQ(cuMemAllocAsync(&p, 64, s), CUDA_SUCCESS);
  ASSERT_EQ(cuMemFreeAsync(p, s), CUDA_SUCCESS);
  ASSERT_EQ(launch(put, p, 3, 16, s), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(s), CUDA_ERROR_ILLEGAL_ADDRESS);
}

}  // namespace
}  // namespace softcuda
