// A fresh driver a test, and three small kernels over an array of u32: put, add, multiply.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "cuda_api.h"

namespace softcuda {

// put(p, v): p[i] = v. add(p, v): p[i] += v. multiply(p, v): p[i] *= v. i is the thread of the grid.
extern const char* const arrayKernels;

class DriverTest : public ::testing::Test {
 protected:
  void SetUp() override;
  // Every test says how many findings it expects.
  void TearDown() override;

  // Sets SOFTCUDA_NAME=VALUE for each pair, forgets what was, and calls cuInit with a primary context
  // current.
  void start(std::initializer_list<std::pair<const char*, const char*>> settings = {});
  CUresult launch(CUfunction, CUdeviceptr, uint32_t value, unsigned threads, CUstream = nullptr);
  std::vector<uint32_t> read(CUdeviceptr, size_t count);
  CUdeviceptr array(std::initializer_list<uint32_t>);  // initialised, all earlier work done
  CUstream stream(unsigned flags = CU_STREAM_NON_BLOCKING);
  void loadKernels();

  CUcontext context = nullptr;
  CUfunction put = nullptr, add = nullptr, multiply = nullptr;
  int expectedFindings = 0;
};

std::string temporaryFile(const char* name);
std::string contentOf(const std::string& file);

}  // namespace softcuda
