#include <cstring>

#include "driver_support.h"

namespace softcuda {
namespace {

using DriverModuleTest = DriverTest;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST_F(DriverModuleTest, shouldRefusePtxThatIsNewerThanTheDriver) {
  start({{"DRIVER_VERSION", "12.0"}});
  int version = 0;
  EXPECT_EQ(cuDriverGetVersion(&version), CUDA_SUCCESS);
  EXPECT_EQ(version, 12000);
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadData(&module, replaced(arrayKernels, ".version 7.8", ".version 8.1").c_str()),
            CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
  EXPECT_EQ(cuModuleLoadData(&module, replaced(arrayKernels, ".version 7.8", ".version 8.0").c_str()),
            CUDA_SUCCESS);
}

TEST_F(DriverModuleTest, shouldRefusePtxForANewerGpu) {
  start({{"DEVICE_PRESET", "sm_80"}});
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadData(&module, replaced(arrayKernels, "sm_80", "sm_90").c_str()),
            CUDA_ERROR_NO_BINARY_FOR_GPU);
}

TEST_F(DriverModuleTest, shouldRefuseCubinsSoThatTheLoaderFallsBackToPtx) {
  start();
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadData(&module, "\177ELF\2\1\1"), CUDA_ERROR_NO_BINARY_FOR_GPU);
}

TEST_F(DriverModuleTest, shouldSayInTheErrorLogWhatItCannotRead) {
  start();
  constexpr int errorLog = 5, errorLogBytes = 6;
  char log[256] = "";
  int options[] = {errorLog, errorLogBytes};
  void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
  const std::string ptx = replaced(arrayKernels, "mov.u32 %r6", "frobnicate.u32 %r6");
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadDataEx(&module, ptx.c_str(), 2, options, values), CUDA_ERROR_INVALID_PTX);
  EXPECT_NE(std::strstr(log, "frobnicate"), nullptr) << log;
  EXPECT_EQ(reinterpret_cast<size_t>(values[1]), std::strlen(log) + 1);
}

TEST_F(DriverModuleTest, shouldFindTheNewestPtxOfAFatbinThatTheDeviceRuns) {
  start({{"DEVICE_PRESET", "sm_80"}});
  std::string fatbin;
  const auto append = [&](const auto& number) {
    fatbin.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  const auto entry = [&](uint16_t kind, uint32_t architecture, const std::string& payload) {
    append(kind), append(uint16_t{0x101}), append(uint32_t{64}), append(uint64_t{payload.size()});
    append(uint64_t{0}), append(uint32_t{0}), append(architecture), append(uint64_t{0});
    append(uint64_t{0}), append(uint64_t{0}), append(uint64_t{0});
    fatbin += payload;
  };
  const std::string kernels = arrayKernels + std::string(1, '\0');
  entry(2, 80, "\177ELF....");
  entry(1, 90, "not for this device");
  entry(1, 75, "older than the next");
  entry(1, 80, kernels);
  const std::string entries = std::move(fatbin);
  fatbin.clear();
  append(uint32_t{0xba55ed50}), append(uint16_t{1}), append(uint16_t{16}), append(uint64_t{entries.size()});
  fatbin += entries;
  CUmodule module = nullptr;
  CUfunction function = nullptr;
  ASSERT_EQ(cuModuleLoadData(&module, fatbin.data()), CUDA_SUCCESS);
  EXPECT_EQ(cuModuleGetFunction(&function, module, "multiply"), CUDA_SUCCESS);
}

TEST_F(DriverModuleTest, shouldFindKernelsAndGlobalsByName) {
  start();
  CUmodule module = nullptr;
  ASSERT_EQ(cuModuleLoadData(&module, arrayKernels), CUDA_SUCCESS);
  CUfunction first = nullptr, again = nullptr;
  EXPECT_EQ(cuModuleGetFunction(&first, module, "add"), CUDA_SUCCESS);
  EXPECT_EQ(cuModuleGetFunction(&again, module, "add"), CUDA_SUCCESS);
  EXPECT_EQ(first, again);
  EXPECT_EQ(cuModuleGetFunction(&again, module, "subtract"), CUDA_ERROR_NOT_FOUND);
  CUdeviceptr counter = 0;
  size_t bytes = 0;
  ASSERT_EQ(cuModuleGetGlobal_v2(&counter, &bytes, module, "counter"), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 4u);
  EXPECT_EQ(read(counter, 1)[0], 7u);
  ASSERT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
  EXPECT_EQ(launch(first, counter, 1, 1), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(DriverModuleTest, shouldLaunchALibrarysKernelAsAFunction) {
  start();
  CUlibrary library = nullptr;
  CUkernel kernel = nullptr;
  ASSERT_EQ(cuLibraryLoadData(&library, arrayKernels, nullptr, nullptr, 0, nullptr, nullptr, 0),
            CUDA_SUCCESS);
  ASSERT_EQ(cuLibraryGetKernel(&kernel, library, "add"), CUDA_SUCCESS);
  const CUdeviceptr p = array({1});
  EXPECT_EQ(launch(reinterpret_cast<CUfunction>(kernel), p, 4, 1), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 5u);
  EXPECT_EQ(cuLibraryUnload(library), CUDA_SUCCESS);
}

TEST_F(DriverModuleTest, shouldLinkOnePtxText) {
  start();
  constexpr int ptx = 1;
  CUlinkState link = nullptr;
  void* image = nullptr;
  size_t bytes = 0;
  CUmodule module = nullptr;
  ASSERT_EQ(cuLinkCreate_v2(0, nullptr, nullptr, &link), CUDA_SUCCESS);
  void* text = const_cast<char*>(arrayKernels);
  ASSERT_EQ(cuLinkAddData_v2(link, ptx, text, std::strlen(arrayKernels) + 1, "a", 0, nullptr, nullptr),
            CUDA_SUCCESS);
  EXPECT_EQ(cuLinkAddData_v2(link, ptx, text, 4, "b", 0, nullptr, nullptr), CUDA_ERROR_NOT_SUPPORTED);
  ASSERT_EQ(cuLinkComplete(link, &image, &bytes), CUDA_SUCCESS);
  EXPECT_EQ(cuModuleLoadData(&module, image), CUDA_SUCCESS);
  EXPECT_EQ(cuLinkDestroy(link), CUDA_SUCCESS);
}

TEST_F(DriverModuleTest, shouldDescribeAKernel) {
  start();
  loadKernels();
  int value = 0;
  EXPECT_EQ(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, add), CUDA_SUCCESS);
  EXPECT_EQ(value, 1024);
  size_t offset = 9, size = 9;
  EXPECT_EQ(cuFuncGetParamInfo(add, 1, &offset, &size), CUDA_SUCCESS);
  EXPECT_EQ(offset, 8u);
  EXPECT_EQ(size, 4u);
  EXPECT_EQ(cuFuncGetParamInfo(add, 2, &offset, &size), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuOccupancyMaxActiveBlocksPerMultiprocessor(&value, add, 256, 0), CUDA_SUCCESS);
  EXPECT_EQ(value, 8);
}

TEST_F(DriverModuleTest, shouldAllowMoreThan48KibOfSharedMemoryOnlyWhenAsked) {
  start();
  loadKernels();
  CUdeviceptr p = array({1});
  uint32_t one = 1;
  void* parameters[] = {&p, &one};
  const auto launchWith = [&](unsigned shared) {
    return cuLaunchKernel(add, 1, 1, 1, 1, 1, 1, shared, nullptr, parameters, nullptr);
  };
  EXPECT_EQ(launchWith(49152), CUDA_SUCCESS);
  EXPECT_EQ(launchWith(49153), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuFuncSetAttribute(add, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 232449),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuFuncSetAttribute(add, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 232448), CUDA_SUCCESS);
  EXPECT_EQ(launchWith(232448), CUDA_SUCCESS);
}

TEST_F(DriverModuleTest, shouldTakeParametersAsABufferToo) {
  start();
  loadKernels();
  struct {
    CUdeviceptr p;
    uint32_t value;
  } buffer{array({1}), 6};
  size_t bytes = 12;
  void* extra[] = {reinterpret_cast<void*>(1), &buffer, reinterpret_cast<void*>(2), &bytes, nullptr};
  EXPECT_EQ(cuLaunchKernel(add, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra), CUDA_SUCCESS);
  EXPECT_EQ(read(buffer.p, 1)[0], 7u);
  bytes = 8;
  EXPECT_EQ(cuLaunchKernel(add, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(DriverModuleTest, shouldRefuseShapesBeyondTheDevicesLimits) {
  start();
  loadKernels();
  CUdeviceptr p = array({1});
  uint32_t one = 1;
  void* parameters[] = {&p, &one};
  const auto launchWith = [&](unsigned gridX, unsigned gridY, unsigned blockX, unsigned blockZ) {
    return cuLaunchKernel(add, gridX, gridY, 1, blockX, 1, blockZ, 0, nullptr, parameters, nullptr);
  };
  EXPECT_EQ(launchWith(0, 1, 1, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(1, 65536, 1, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(1, 1, 1025, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(1, 1, 1, 65), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launchWith(1, 1, 512, 4), CUDA_ERROR_INVALID_VALUE);
  CUlaunchAttribute cluster{CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION, {}, {}};
  cluster.value.clusterDim[0] = 2, cluster.value.clusterDim[1] = cluster.value.clusterDim[2] = 1;
  CUlaunchConfig config{2, 1, 1, 1, 1, 1, 0, nullptr, &cluster, 1};
  EXPECT_EQ(cuLaunchKernelEx(&config, add, parameters, nullptr), CUDA_ERROR_NOT_SUPPORTED);
  config.numAttrs = 0, config.gridDimX = 1;
  EXPECT_EQ(cuLaunchKernelEx(&config, add, parameters, nullptr), CUDA_SUCCESS);
}

}  // namespace
}  // namespace softcuda
