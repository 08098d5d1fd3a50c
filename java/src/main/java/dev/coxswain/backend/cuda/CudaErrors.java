package dev.coxswain.backend.cuda;

import java.util.Map;
import java.util.Set;
import jcuda.CudaException;

/** What the driver's error codes mean to us. */
final class CudaErrors {
  static final String OUT_OF_MEMORY = "CUDA_ERROR_OUT_OF_MEMORY";
  static final String NO_DEVICE = "CUDA_ERROR_NO_DEVICE";
  static final String UNSUPPORTED_PTX_VERSION = "CUDA_ERROR_UNSUPPORTED_PTX_VERSION";

  /** 200, 209, 218 and 222: this image is not for this device or driver; another one may be. */
  private static final Set<String> NOT_THIS_IMAGE =
      Set.of(
          "CUDA_ERROR_INVALID_IMAGE",
          "CUDA_ERROR_NO_BINARY_FOR_GPU",
          "CUDA_ERROR_INVALID_PTX",
          UNSUPPORTED_PTX_VERSION);

  /** A call that failed with these did nothing; after any other the context is beyond repair. */
  private static final Set<String> HARMLESS =
      Set.of(
          OUT_OF_MEMORY,
          "CUDA_ERROR_INVALID_VALUE",
          "CUDA_ERROR_INVALID_HANDLE",
          "CUDA_ERROR_INVALID_CONTEXT",
          "CUDA_ERROR_INVALID_IMAGE",
          "CUDA_ERROR_NO_BINARY_FOR_GPU",
          "CUDA_ERROR_INVALID_PTX",
          "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
          "CUDA_ERROR_JIT_COMPILER_NOT_FOUND",
          "CUDA_ERROR_NOT_FOUND",
          "CUDA_ERROR_NOT_READY",
          "CUDA_ERROR_NOT_SUPPORTED",
          "CUDA_ERROR_OPERATING_SYSTEM",
          "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
          "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
          "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
          "CUDA_ERROR_STREAM_CAPTURE_UNJOINED",
          "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT");

  private static final Map<String, String> MEANING =
      Map.of(
          "CUDA_ERROR_ILLEGAL_ADDRESS", "a kernel left its memory",
          "CUDA_ERROR_MISALIGNED_ADDRESS", "a kernel used a misaligned address",
          "CUDA_ERROR_ILLEGAL_INSTRUCTION", "a kernel ran an illegal instruction",
          "CUDA_ERROR_LAUNCH_FAILED", "a kernel failed",
          "CUDA_ERROR_LAUNCH_TIMEOUT", "a kernel ran for too long",
          "CUDA_ERROR_ECC_UNCORRECTABLE", "its memory is damaged",
          "CUDA_ERROR_DEVICE_UNAVAILABLE", "the device is gone or used by another process alone",
          "CUDA_ERROR_DEVICE_NOT_LICENSED", "the device has no licence for CUDA",
          "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
              "the kernel's driver and libcuda.so.1 have different versions",
          "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
              "a launch asks for more than the device has a multiprocessor");

  private CudaErrors() {}

  /** As in {@code CUDA_ERROR_OUT_OF_MEMORY}. */
  static String name(CudaException e) {
    return String.valueOf(e.getMessage());
  }

  static boolean isOutOfMemory(CudaException e) {
    return name(e).equals(OUT_OF_MEMORY);
  }

  static boolean refusesImage(CudaException e) {
    return NOT_THIS_IMAGE.contains(name(e));
  }

  /** Whether every later call on the device would fail too. */
  static boolean isSticky(CudaException e) {
    return !HARMLESS.contains(name(e));
  }

  /** The code, and what it means where its name does not say. */
  static String describe(CudaException e) {
    String meaning = MEANING.get(name(e));
    return meaning == null ? name(e) : name(e) + " (" + meaning + ")";
  }
}
