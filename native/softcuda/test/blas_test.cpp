#include <cmath>
#include <cstring>
#include <functional>
#include <random>

#include "driver_support.h"
#include "softcuda/blas/blas_abi.h"

extern "C" {
cublasStatus_t cublasCreate_v2(cublasHandle_t*);
cublasStatus_t cublasDestroy_v2(cublasHandle_t);
cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int*);
cublasStatus_t cublasSetStream_v2(cublasHandle_t, CUstream);
cublasStatus_t cublasSetMathMode(cublasHandle_t, int);
cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t, int);
cublasStatus_t cublasSgemm_v2(cublasHandle_t, int, int, int, int, int, const float*, const float*, int,
                              const float*, int, const float*, float*, int);
cublasStatus_t cublasGemmEx(cublasHandle_t, int, int, int, int, int, const void*, const void*, int, int,
                            const void*, int, int, const void*, void*, int, int, int, int);
cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t, int, int, int, int, int, const void*, const void*,
                                          int, int, long long, const void*, int, int, long long, const void*,
                                          void*, int, int, long long, int, int, int);
cublasStatus_t cublasSgemv_v2(cublasHandle_t, int, int, int, const float*, const float*, int, const float*,
                              int, const float*, float*, int);
cublasStatus_t cublasDtrsm_v2();
}

namespace softcuda {
namespace {

class BlasTest : public DriverTest {
 protected:
  void open(std::initializer_list<std::pair<const char*, const char*>> settings = {}) {
    start(settings);
    ASSERT_EQ(cublasCreate_v2(&handle), CUBLAS_STATUS_SUCCESS);
  }
  void TearDown() override {
    if (handle) cublasDestroy_v2(handle);
    DriverTest::TearDown();
  }

  template <class T>
  T* upload(const std::vector<T>& values) {
    CUdeviceptr p = 0;
    EXPECT_EQ(cuMemAlloc_v2(&p, values.size() * sizeof(T)), CUDA_SUCCESS);
    EXPECT_EQ(cuMemcpyHtoD_v2(p, values.data(), values.size() * sizeof(T)), CUDA_SUCCESS);
    return reinterpret_cast<T*>(p);
  }
  std::vector<float> download(const float* p, size_t count) {
    std::vector<float> values(count);
    EXPECT_EQ(cuMemcpyDtoH_v2(values.data(), reinterpret_cast<CUdeviceptr>(p), 4 * count), CUDA_SUCCESS);
    return values;
  }
  // Integers below 8: every sum is exact in float32, bfloat16 inputs too.
  std::vector<float> small(size_t count) {
    std::vector<float> values(count);
    for (float& v : values) v = float(int(random() % 15) - 7);
    return values;
  }

  cublasHandle_t handle = nullptr;
  std::mt19937 random{11};
  const float one = 1, zero = 0;
};

using Element = std::function<float(int, int)>;

// Column-major C = alpha A B + beta C in double precision.
std::vector<float> product(int m, int n, int k, const Element& a, const Element& b, float alpha, float beta,
                           const std::vector<float>& c, int ldc) {
  std::vector<float> out = c;
  for (int j = 0; j < n; ++j)
    for (int i = 0; i < m; ++i) {
      double sum = 0;
      for (int l = 0; l < k; ++l) sum += double(a(i, l)) * b(l, j);
      out[size_t(j * ldc + i)] = float(alpha * sum + beta * double(c[size_t(j * ldc + i)]));
    }
  return out;
}

std::vector<uint16_t> toBfloat(const std::vector<float>& values) {
  std::vector<uint16_t> out;
  for (const float v : values) {
    uint32_t bits;
    std::memcpy(&bits, &v, 4);
    out.push_back(uint16_t(bits >> 16));
  }
  return out;
}

TEST_F(BlasTest, shouldNeedAContext) {
  EXPECT_EQ(cublasCreate_v2(&handle), CUBLAS_STATUS_NOT_INITIALIZED);
  handle = nullptr;
}

TEST_F(BlasTest, shouldMultiplyInEveryTransposition) {
  open();
  constexpr int m = 5, n = 4, k = 7, lda = 9, ldb = 8, ldc = 6;
  const auto a = small(lda * 9), b = small(ldb * 9), c = small(ldc * n);
  for (int opA : {CUBLAS_OP_N, CUBLAS_OP_T})
    for (int opB : {CUBLAS_OP_N, CUBLAS_OP_T}) {
      const float alpha = 2, beta = -3;
      float *deviceA = upload(a), *deviceB = upload(b), *deviceC = upload(c);
      ASSERT_EQ(
          cublasSgemm_v2(handle, opA, opB, m, n, k, &alpha, deviceA, lda, deviceB, ldb, &beta, deviceC, ldc),
          CUBLAS_STATUS_SUCCESS);
      const auto expected = product(
          m, n, k, [&](int i, int l) { return a[size_t(opA == CUBLAS_OP_N ? l * lda + i : i * lda + l)]; },
          [&](int l, int j) { return b[size_t(opB == CUBLAS_OP_N ? j * ldb + l : l * ldb + j)]; }, alpha,
          beta, c, ldc);
      EXPECT_EQ(download(deviceC, c.size()), expected) << opA << ' ' << opB;
    }
}

TEST_F(BlasTest, shouldMultiplyBfloatsInBatchesIntoFloats) {
  open();
  constexpr int m = 3, n = 2, k = 40, batch = 3;
  const auto a = small(m * k * batch), b = small(k * n * batch);
  const std::vector<float> c(m * n * batch, 0.0f);
  auto *deviceA = upload(toBfloat(a)), *deviceB = upload(toBfloat(b));
  float* deviceC = upload(c);
  ASSERT_EQ(cublasGemmStridedBatchedEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, m, n, k, &one, deviceA, CUDA_R_16BF,
                                       m, m * k, deviceB, CUDA_R_16BF, k, k * n, &zero, deviceC, CUDA_R_32F,
                                       m, m * n, batch, CUBLAS_COMPUTE_32F, -1),
            CUBLAS_STATUS_SUCCESS);
  const auto result = download(deviceC, c.size());
  for (int i = 0; i < batch; ++i) {
    const auto expected = product(
        m, n, k, [&](int r, int l) { return a[size_t(i * m * k + l * m + r)]; },
        [&](int l, int j) { return b[size_t(i * k * n + j * k + l)]; }, 1, 0, std::vector<float>(m * n), m);
    EXPECT_EQ(std::vector<float>(result.begin() + i * m * n, result.begin() + (i + 1) * m * n), expected);
  }
}

TEST_F(BlasTest, shouldMultiplyAMatrixByAVectorWithIncrements) {
  open();
  constexpr int m = 3, n = 4;
  const auto a = small(m * n), x = small(2 * 4), y = small(3 * 4);
  for (int op : {CUBLAS_OP_N, CUBLAS_OP_T}) {
    float *deviceA = upload(a), *deviceX = upload(x), *deviceY = upload(y);
    ASSERT_EQ(cublasSgemv_v2(handle, op, m, n, &one, deviceA, m, deviceX, 2, &one, deviceY, 3),
              CUBLAS_STATUS_SUCCESS);
    std::vector<float> expected = y;
    const int rows = op == CUBLAS_OP_N ? m : n, terms = op == CUBLAS_OP_N ? n : m;
    for (int i = 0; i < rows; ++i)
      for (int l = 0; l < terms; ++l)
        expected[size_t(3 * i)] += a[size_t(op == CUBLAS_OP_N ? l * m + i : i * m + l)] * x[size_t(2 * l)];
    EXPECT_EQ(download(deviceY, y.size()), expected) << op;
  }
}

TEST_F(BlasTest, shouldRoundInputsAsTensorCoresDoOnlyWhereAsked) {
  open();
  const float third = 1.0f / 3, precise = 1 + 0x1p-12f;
  float *a = upload(std::vector<float>{precise}), *b = upload(std::vector<float>{third}),
        *c = upload(std::vector<float>{0});
  const auto multiplied = [&] {
    EXPECT_EQ(cublasSgemm_v2(handle, 0, 0, 1, 1, 1, &one, a, 1, b, 1, &zero, c, 1), CUBLAS_STATUS_SUCCESS);
    return download(c, 1)[0];
  };
  EXPECT_EQ(multiplied(), precise * third);
  ASSERT_EQ(cublasSetMathMode(handle, CUBLAS_TF32_TENSOR_OP_MATH), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiplied(), 0.333251953125f);
}

TEST_F(BlasTest, shouldSumInTheSeededOrderThatIsAskedFor) {
  constexpr int k = 2000;
  std::vector<float> a(k), b(k);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (int i = 0; i < k; ++i) a[size_t(i)] = uniform(random), b[size_t(i)] = uniform(random);
  const auto dot = [&](const char* order, const char* seed) {
    open({{"BLAS_ORDER", order}, {"SEED", seed}});
    float *deviceA = upload(a), *deviceB = upload(b), *deviceC = upload(std::vector<float>{0});
    EXPECT_EQ(cublasSgemm_v2(handle, 1, 0, 1, 1, k, &one, deviceA, k, deviceB, k, &zero, deviceC, 1),
              CUBLAS_STATUS_SUCCESS);
    const float result = download(deviceC, 1)[0];
    EXPECT_EQ(cublasDestroy_v2(handle), CUBLAS_STATUS_SUCCESS);
    handle = nullptr;
    return result;
  };
  float inOrder = 0;
  for (int i = 0; i < k; ++i) inOrder += a[size_t(i)] * b[size_t(i)];
  EXPECT_EQ(dot("fixed", "1"), inOrder);
  EXPECT_EQ(dot("random", "1"), dot("random", "1"));
  bool differs = false;
  for (const char* seed : {"1", "2", "3", "4"}) {
    const float other = dot("random", seed);
    differs |= other != inOrder;
    EXPECT_NEAR(other, inOrder, 1e-3);
  }
  EXPECT_TRUE(differs);
}

TEST_F(BlasTest, shouldRunInItsStreamAndReadScalarsOfTheDeviceThen) {
  open();
  loadKernels();
  const CUstream s = stream();
  float *a = upload(std::vector<float>{3}), *c = upload(std::vector<float>{0}),
        *scalars = upload(std::vector<float>{1, 0});
  ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
  ASSERT_EQ(cublasSetStream_v2(handle, s), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cublasSetPointerMode_v2(handle, CUBLAS_POINTER_MODE_DEVICE), CUBLAS_STATUS_SUCCESS);
  constexpr uint32_t two = 0x40000000;  // 2.0f
  ASSERT_EQ(launch(put, reinterpret_cast<CUdeviceptr>(scalars), two, 1, s), CUDA_SUCCESS);
  ASSERT_EQ(cublasSgemm_v2(handle, 0, 0, 1, 1, 1, scalars, a, 1, a, 1, scalars + 1, c, 1),
            CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(download(c, 1)[0], 18);
}

TEST_F(BlasTest, shouldBeCapturedIntoAGraph) {
  open();
  const CUstream s = stream();
  float *a = upload(std::vector<float>{3}), *c = upload(std::vector<float>{1});
  ASSERT_EQ(cuCtxSynchronize(), CUDA_SUCCESS);
  ASSERT_EQ(cublasSetStream_v2(handle, s), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
  ASSERT_EQ(cublasSgemm_v2(handle, 0, 0, 1, 1, 1, &one, a, 1, a, 1, &one, c, 1), CUBLAS_STATUS_SUCCESS);
  CUgraph graph = nullptr;
  CUgraphExec exec = nullptr;
  ASSERT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(download(c, 1)[0], 19);
}

TEST_F(BlasTest, shouldFindInputsThatNothingWroteAndOutputsBeyondTheirEnd) {
  expectedFindings = 2;
  open();
  CUdeviceptr fresh = 0;
  ASSERT_EQ(cuMemAlloc_v2(&fresh, 4), CUDA_SUCCESS);
  float *a = upload(std::vector<float>{3}), *c = upload(std::vector<float>{0});
  ASSERT_EQ(
      cublasSgemm_v2(handle, 0, 0, 1, 1, 1, &one, reinterpret_cast<float*>(fresh), 1, a, 1, &zero, c, 1),
      CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_FAILED);
  ASSERT_EQ(cublasDestroy_v2(handle), CUBLAS_STATUS_SUCCESS);
  ASSERT_EQ(cuDevicePrimaryCtxReset_v2(0), CUDA_SUCCESS);
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxSetCurrent(context), CUDA_SUCCESS);
  ASSERT_EQ(cublasCreate_v2(&handle), CUBLAS_STATUS_SUCCESS);
  a = upload(std::vector<float>{3, 3}), c = upload(std::vector<float>{0});
  ASSERT_EQ(cublasSgemm_v2(handle, 0, 0, 2, 1, 1, &one, a, 2, a, 1, &zero, c, 2), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(BlasTest, shouldRefuseBadArgumentsAndWhatItDoesNotServe) {
  open();
  float* a = upload(std::vector<float>{3});
  EXPECT_EQ(cublasSgemm_v2(handle, 0, 0, 2, 1, 1, &one, a, 1, a, 1, &zero, a, 2),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasSgemm_v2(handle, 3, 0, 1, 1, 1, &one, a, 1, a, 1, &zero, a, 1),
            CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(cublasSgemm_v2(nullptr, 0, 0, 1, 1, 1, &one, a, 1, a, 1, &zero, a, 1),
            CUBLAS_STATUS_NOT_INITIALIZED);
  constexpr int doubles = 1, computeDouble = 70;
  EXPECT_EQ(cublasGemmEx(handle, 0, 0, 1, 1, 1, &one, a, doubles, 1, a, doubles, 1, &zero, a, doubles, 1,
                         computeDouble, -1),
            CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_EQ(cublasDtrsm_v2(), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(BlasTest, shouldSayAnotherVersionWhereToldSo) {
  open();
  int version = 0;
  EXPECT_EQ(cublasGetVersion_v2(handle, &version), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(version, 120600);
  setenv("SOFTCUDA_BLAS_VERSION", "110000", 1);
  EXPECT_EQ(cublasGetVersion_v2(handle, &version), CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(version, 110000);
}

}  // namespace
}  // namespace softcuda
