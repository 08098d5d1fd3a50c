// The products and their argument checks. A matrix-vector product is a product with one column.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "gemm.h"
#include "handle.h"
#include "softcuda/driver/softcuda.h"

namespace softcuda {
namespace {

struct Request {
  const char* function;
  int opA, opB;
  int64_t m, n, k;
  const void *alpha, *beta;  // floats, on the side that the pointer mode says
  Matrix a, b, c;
  int64_t batch = 1;
  int compute = CUBLAS_COMPUTE_32F;
};

template <class T>
Matrix matrix(T* address, int type, int64_t leading, int64_t stride = 0) {
  return {reinterpret_cast<uint64_t>(address), type, leading, stride};
}

bool isServed(int type) { return type == CUDA_R_32F || type == CUDA_R_16F || type == CUDA_R_16BF; }

bool randomOrder() {
  const char* order = std::getenv("SOFTCUDA_BLAS_ORDER");
  return order && std::strcmp(order, "random") == 0;
}

cublasStatus_t statusOf(CUresult code) {
  switch (code) {
    case CUDA_SUCCESS:
      return CUBLAS_STATUS_SUCCESS;
    case CUDA_ERROR_OUT_OF_MEMORY:
      return CUBLAS_STATUS_ALLOC_FAILED;
    case CUDA_ERROR_INVALID_CONTEXT:
    case CUDA_ERROR_NOT_INITIALIZED:
      return CUBLAS_STATUS_NOT_INITIALIZED;
    case CUDA_ERROR_INVALID_HANDLE:
      return CUBLAS_STATUS_INVALID_VALUE;
    default:
      return CUBLAS_STATUS_EXECUTION_FAILED;
  }
}

int inputRounding(const BlasHandle& handle, const Request& request) {
  if (request.a.type != CUDA_R_32F) return CUDA_R_32F;
  switch (request.compute) {
    case CUBLAS_COMPUTE_32F_FAST_16F:
      return CUDA_R_16F;
    case CUBLAS_COMPUTE_32F_FAST_16BF:
      return CUDA_R_16BF;
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      return roundTf32;
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      return CUDA_R_32F;
    default:
      return handle.mathMode & CUBLAS_TF32_TENSOR_OP_MATH ? roundTf32 : CUDA_R_32F;
  }
}

bool isValid(const Request& r) {
  const int64_t rowsA = r.opA == CUBLAS_OP_N ? r.m : r.k, rowsB = r.opB == CUBLAS_OP_N ? r.k : r.n;
  return r.opA >= CUBLAS_OP_N && r.opA <= CUBLAS_OP_C && r.opB >= CUBLAS_OP_N && r.opB <= CUBLAS_OP_C &&
         r.m >= 0 && r.n >= 0 && r.k >= 0 && r.batch >= 0 && r.alpha && r.beta &&
         r.a.leading >= std::max<int64_t>(1, rowsA) && r.b.leading >= std::max<int64_t>(1, rowsB) &&
         r.c.leading >= std::max<int64_t>(1, r.m);
}

cublasStatus_t run(cublasHandle_t handleOf, const Request& request) {
  const auto handle = findHandle(handleOf);
  if (!handle) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!isValid(request)) return CUBLAS_STATUS_INVALID_VALUE;
  if (!isServed(request.a.type) || request.a.type != request.b.type || !isServed(request.c.type) ||
      request.compute < CUBLAS_COMPUTE_32F || request.compute > CUBLAS_COMPUTE_32F_FAST_TF32)
    return unserved(request.function);
  if (request.m == 0 || request.n == 0 || request.batch == 0) return CUBLAS_STATUS_SUCCESS;
  auto* gemm = new Gemm;
  gemm->transposeA = request.opA != CUBLAS_OP_N, gemm->transposeB = request.opB != CUBLAS_OP_N;
  gemm->m = request.m, gemm->n = request.n, gemm->k = request.k, gemm->batch = request.batch;
  gemm->a = request.a, gemm->b = request.b, gemm->c = request.c;
  gemm->roundInputsTo = inputRounding(*handle, request);
  if (randomOrder()) gemm->seed = softcudaSeed() * 0x9e3779b97f4a7c15ull + ++handle->calls;
  if (handle->pointerMode == CUBLAS_POINTER_MODE_DEVICE) {
    gemm->alphaAddress = reinterpret_cast<uint64_t>(request.alpha);
    gemm->betaAddress = reinterpret_cast<uint64_t>(request.beta);
  } else {
    gemm->alpha = *static_cast<const float*>(request.alpha),
    gemm->beta = *static_cast<const float*>(request.beta);
  }
  return statusOf(softcudaEnqueue(
      handle->stream, request.function, [](void* data) { return compute(*static_cast<Gemm*>(data)); }, gemm,
      [](void* data) { delete static_cast<Gemm*>(data); }));
}

template <class Index>
cublasStatus_t sgemm(const char* function, cublasHandle_t h, int opA, int opB, Index m, Index n, Index k,
                     const float* alpha, const float* a, Index lda, const float* b, Index ldb,
                     const float* beta, float* c, Index ldc) {
  return run(h, {function, opA, opB, m, n, k, alpha, beta, matrix(a, CUDA_R_32F, lda),
                 matrix(b, CUDA_R_32F, ldb), matrix(c, CUDA_R_32F, ldc)});
}

template <class Index>
cublasStatus_t sgemv(const char* function, cublasHandle_t h, int op, Index m, Index n, const float* alpha,
                     const float* a, Index lda, const float* x, Index incx, const float* beta, float* y,
                     Index incy) {
  // y as the row of a product x'·op(A)' whose leading dimensions are the increments.
  if (incx <= 0 || incy <= 0) return unserved(function);
  const int64_t rows = op == CUBLAS_OP_N ? m : n, terms = op == CUBLAS_OP_N ? n : m;
  const int opB = op == CUBLAS_OP_N ? CUBLAS_OP_T : CUBLAS_OP_N;
  return run(h, {function, CUBLAS_OP_N, opB, 1, rows, terms, alpha, beta, matrix(x, CUDA_R_32F, incx),
                 matrix(a, CUDA_R_32F, lda), matrix(y, CUDA_R_32F, incy)});
}

}  // namespace

CUBLAS_API cublasSgemm_v2(cublasHandle_t h, int opA, int opB, int m, int n, int k, const float* alpha,
                          const float* a, int lda, const float* b, int ldb, const float* beta, float* c,
                          int ldc) {
  return sgemm(__func__, h, opA, opB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
CUBLAS_API cublasSgemm_v2_64(cublasHandle_t h, int opA, int opB, int64_t m, int64_t n, int64_t k,
                             const float* alpha, const float* a, int64_t lda, const float* b, int64_t ldb,
                             const float* beta, float* c, int64_t ldc) {
  return sgemm(__func__, h, opA, opB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

CUBLAS_API cublasSgemmStridedBatched(cublasHandle_t h, int opA, int opB, int m, int n, int k,
                                     const float* alpha, const float* a, int lda, long long strideA,
                                     const float* b, int ldb, long long strideB, const float* beta, float* c,
                                     int ldc, long long strideC, int batch) {
  return run(h, {__func__, opA, opB, m, n, k, alpha, beta, matrix(a, CUDA_R_32F, lda, strideA),
                 matrix(b, CUDA_R_32F, ldb, strideB), matrix(c, CUDA_R_32F, ldc, strideC), batch});
}

CUBLAS_API cublasSgemmEx(cublasHandle_t h, int opA, int opB, int m, int n, int k, const float* alpha,
                         const void* a, int typeA, int lda, const void* b, int typeB, int ldb,
                         const float* beta, void* c, int typeC, int ldc) {
  return run(h, {__func__, opA, opB, m, n, k, alpha, beta, matrix(a, typeA, lda), matrix(b, typeB, ldb),
                 matrix(c, typeC, ldc)});
}

CUBLAS_API cublasGemmEx(cublasHandle_t h, int opA, int opB, int m, int n, int k, const void* alpha,
                        const void* a, int typeA, int lda, const void* b, int typeB, int ldb,
                        const void* beta, void* c, int typeC, int ldc, int compute, int) {
  return run(h, {__func__, opA, opB, m, n, k, alpha, beta, matrix(a, typeA, lda), matrix(b, typeB, ldb),
                 matrix(c, typeC, ldc), 1, compute});
}
CUBLAS_API cublasGemmEx_64(cublasHandle_t h, int opA, int opB, int64_t m, int64_t n, int64_t k,
                           const void* alpha, const void* a, int typeA, int64_t lda, const void* b, int typeB,
                           int64_t ldb, const void* beta, void* c, int typeC, int64_t ldc, int compute, int) {
  return run(h, {__func__, opA, opB, m, n, k, alpha, beta, matrix(a, typeA, lda), matrix(b, typeB, ldb),
                 matrix(c, typeC, ldc), 1, compute});
}

CUBLAS_API cublasGemmStridedBatchedEx(cublasHandle_t h, int opA, int opB, int m, int n, int k,
                                      const void* alpha, const void* a, int typeA, int lda, long long strideA,
                                      const void* b, int typeB, int ldb, long long strideB, const void* beta,
                                      void* c, int typeC, int ldc, long long strideC, int batch, int compute,
                                      int) {
  return run(h, {__func__, opA, opB, m, n, k, alpha, beta, matrix(a, typeA, lda, strideA),
                 matrix(b, typeB, ldb, strideB), matrix(c, typeC, ldc, strideC), batch, compute});
}

CUBLAS_API cublasSgemv_v2(cublasHandle_t h, int op, int m, int n, const float* alpha, const float* a, int lda,
                          const float* x, int incx, const float* beta, float* y, int incy) {
  return sgemv(__func__, h, op, m, n, alpha, a, lda, x, incx, beta, y, incy);
}
CUBLAS_API cublasSgemv_v2_64(cublasHandle_t h, int op, int64_t m, int64_t n, const float* alpha,
                             const float* a, int64_t lda, const float* x, int64_t incx, const float* beta,
                             float* y, int64_t incy) {
  return sgemv(__func__, h, op, m, n, alpha, a, lda, x, incx, beta, y, incy);
}

}  // namespace softcuda
