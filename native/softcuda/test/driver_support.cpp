#include "driver_support.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

extern "C" char** environ;

namespace softcuda {
namespace {

void forgetSettings() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry; ++entry) {
    const std::string line = *entry;
    if (line.rfind("SOFTCUDA_", 0) == 0) names.push_back(line.substr(0, line.find('=')));
  }
  for (const std::string& name : names) unsetenv(name.c_str());
}

#define KERNEL(name, operation)           \
  ".visible .entry " name                 \
  "(.param .u64 p, .param .u32 v)\n{\n"   \
  ".reg .b32 %r<8>;\n.reg .b64 %rd<5>;\n" \
  "ld.param.u64 %rd1, [p];\n"             \
  "ld.param.u32 %r1, [v];\n"              \
  "mov.u32 %r2, %ctaid.x;\n"              \
  "mov.u32 %r3, %ntid.x;\n"               \
  "mov.u32 %r4, %tid.x;\n"                \
  "mad.lo.s32 %r5, %r2, %r3, %r4;\n"      \
  "cvta.to.global.u64 %rd2, %rd1;\n"      \
  "mul.wide.u32 %rd3, %r5, 4;\n"          \
  "add.s64 %rd4, %rd2, %rd3;\n" operation \
  "st.global.u32 [%rd4], %r6;\n"          \
  "ret;\n}\n"

}  // namespace

const char* const arrayKernels =
    ".version 7.8\n.target sm_80\n.address_size 64\n"
    ".visible .global .align 4 .u32 counter = 7;\n" KERNEL("put", "mov.u32 %r6, %r1;\n")
        KERNEL("add", "ld.global.u32 %r7, [%rd4];\nadd.u32 %r6, %r7, %r1;\n")
            KERNEL("multiply", "ld.global.u32 %r7, [%rd4];\nmul.lo.u32 %r6, %r7, %r1;\n");

void DriverTest::SetUp() {
  forgetSettings();
  softcudaReset();
}

void DriverTest::TearDown() {
  EXPECT_EQ(softcudaFindings(), expectedFindings);
  forgetSettings();
  softcudaReset();
}

void DriverTest::start(std::initializer_list<std::pair<const char*, const char*>> settings) {
  forgetSettings();
  for (const auto& [name, value] : settings) setenv((std::string("SOFTCUDA_") + name).c_str(), value, 1);
  softcudaReset();
  ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
}

void DriverTest::loadKernels() {
  CUmodule module = nullptr;
  ASSERT_EQ(cuModuleLoadData(&module, arrayKernels), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleGetFunction(&put, module, "put"), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleGetFunction(&add, module, "add"), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleGetFunction(&multiply, module, "multiply"), CUDA_SUCCESS);
}

CUresult DriverTest::launch(CUfunction function, CUdeviceptr p, uint32_t value, unsigned threads,
                            CUstream stream) {
  void* parameters[] = {&p, &value};
  return cuLaunchKernel(function, 1, 1, 1, threads, 1, 1, 0, stream, parameters, nullptr);
}

std::vector<uint32_t> DriverTest::read(CUdeviceptr p, size_t count) {
  std::vector<uint32_t> values(count);
  EXPECT_EQ(cuMemcpyDtoH_v2(values.data(), p, 4 * count), CUDA_SUCCESS);
  return values;
}

CUdeviceptr DriverTest::array(std::initializer_list<uint32_t> values) {
  CUdeviceptr p = 0;
  EXPECT_EQ(cuMemAlloc_v2(&p, 4 * values.size()), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyHtoD_v2(p, values.begin(), 4 * values.size()), CUDA_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
  return p;
}

CUstream DriverTest::stream(unsigned flags) {
  CUstream s = nullptr;
  EXPECT_EQ(cuStreamCreate(&s, flags), CUDA_SUCCESS);
  return s;
}

std::string temporaryFile(const char* name) {
  const std::string file =
      std::string(::testing::TempDir()) + "softcuda-" + std::to_string(getpid()) + '-' + name;
  std::remove(file.c_str());
  return file;
}

std::string contentOf(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace softcuda
