package dev.coxswain.backend.cuda.blas;

import dev.coxswain.backend.NativeFolder;
import dev.coxswain.error.DeviceException;
import dev.coxswain.tensor.DType;
import java.util.Optional;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasComputeType;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasOperation;
import jcuda.runtime.cudaStream_t;
import org.slf4j.LoggerFactory;

/**
 * A cuBLAS handle, for one thread at a time with its context current. Its sums have no specified
 * order: what it computes is near the product, never to the bit.
 */
public final class Blas implements AutoCloseable {
  private static final String FILE = "libJCublas2-12.6.0-linux-x86_64.so";

  /** Empty until it was tried; then whether the library cannot be used, and why. */
  private static Optional<Optional<String>> tried = Optional.empty();

  private static final Pointer ONE = Pointer.to(new float[] {1});
  private static final Pointer ZERO = Pointer.to(new float[] {0});

  private final cublasHandle handle = new cublasHandle();

  private Blas() {}

  /**
   * @param stream where its work is enqueued
   * @return empty where cuBLAS cannot be used, as {@link #unusable} says
   * @throws DeviceException where it could be, but this handle failed
   */
  public static Optional<Blas> open(CUstream stream) {
    if (unusable().isPresent()) {
      return Optional.empty();
    }
    Blas blas = new Blas();
    try {
      JCublas2.cublasCreate(blas.handle);
    } catch (CudaException e) {
      if (String.valueOf(e.getMessage()).contains("ALLOC_FAILED")) {
        throw new DeviceException("cuBLAS has not enough memory for a handle", e);
      }
      refuse("cuBLAS does not start on this device: " + e.getMessage());
      return Optional.empty();
    }
    try {
      JCublas2.cublasSetStream(blas.handle, new cudaStream_t(stream));
      return Optional.of(blas);
    } catch (CudaException e) {
      blas.close();
      throw new DeviceException("cuBLAS could not use a stream: " + e.getMessage(), e);
    }
  }

  private static synchronized void refuse(String reason) {
    tried = Optional.of(Optional.of(reason));
    LoggerFactory.getLogger(Blas.class).warn("{}", reason);
  }

  /** Why cuBLAS cannot be used, in one line; empty where it can. */
  public static synchronized Optional<String> unusable() {
    if (tried.isEmpty()) {
      tried = Optional.of(load());
    }
    return tried.get();
  }

  private static Optional<String> load() {
    try {
      NativeFolder.load(FILE, "lib/" + FILE, () -> JCublas2.setExceptionsEnabled(true));
      return Optional.empty();
    } catch (LinkageError e) {
      return Optional.of(
          "there is no cuBLAS 12: libcublas.so.12 is not on this machine or does not load");
    } catch (DeviceException e) {
      return Optional.of(e.getMessage());
    }
  }

  /**
   * scores[r, f] = Σ_e x[r, e] · w[f, e], near: bfloat16 products, summed in float32.
   *
   * @param w address of [features, width] bfloat16
   * @param x address of [rows, width] bfloat16
   * @param scores address of [rows, features] float32, written
   */
  public void scores(long w, long x, long scores, int features, int rows, int width) {
    scores(DType.BF16, w, x, scores, features, rows, width);
  }

  /** As above with both factors of one type: BF16, or F32 multiplied as float32. */
  public void scores(DType dtype, long w, long x, long scores, int features, int rows, int width) {
    int type = dtype == DType.F32 ? cudaDataType.CUDA_R_32F : cudaDataType.CUDA_R_16BF;
    int compute =
        dtype == DType.F32
            ? cublasComputeType.CUBLAS_COMPUTE_32F_PEDANTIC
            : cublasComputeType.CUBLAS_COMPUTE_32F;
    try {
      JCublas2.cublasGemmEx_new(
          handle,
          cublasOperation.CUBLAS_OP_T,
          cublasOperation.CUBLAS_OP_N,
          features,
          rows,
          width,
          ONE,
          new Address(w),
          type,
          width,
          new Address(x),
          type,
          width,
          ZERO,
          new Address(scores),
          cudaDataType.CUDA_R_32F,
          features,
          compute,
          cublasGemmAlgo.CUBLAS_GEMM_DEFAULT);
    } catch (CudaException e) {
      throw new DeviceException("cuBLAS could not multiply: " + e.getMessage(), e);
    }
  }

  /** Frees the handle; the context must be current. */
  @Override
  public void close() {
    JCublas2.cublasDestroy(handle);
  }

  /** A bare device address as JCuda's object. */
  private static final class Address extends CUdeviceptr {
    private static final CUdeviceptr ZERO = new CUdeviceptr();

    Address(long address) {
      super(ZERO, address);
    }
  }
}
