package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a device says of itself and how long it works, by its own clock, for {@code cox gpu-check}.
 * For one thread, and while no other thread uses the device: kernels of others would be counted.
 */
public interface DeviceProbe {
  /**
   * One launch of a kernel.
   *
   * @param name as in {@code cox_decode}
   * @param seconds from its begin to its end on the device
   */
  record KernelTime(String name, double seconds) {}

  /** The card, its driver, clocks and memory, by name, as {@code card}. */
  Map<String, Object> facts();

  /** Whether no card but a software driver does the work, so that its times say nothing. */
  boolean isSoftware();

  /** Bytes of the device's memory that are free. */
  long freeBytes();

  /** The ways that this device can encode; all give the same bits, and the backend picks one. */
  List<String> encodePaths();

  /** As {@link Backend#encode}, by one of these ways where the shape permits it. */
  EncodeReport encode(String path, Encoder encoder, TensorView x, SparseRows active);

  /** Runs the operation and says how long each kernel took that it launched, in order. */
  List<KernelTime> time(Runnable operation);

  /** Seconds that the device takes to copy so many bytes within its memory. */
  double copySeconds(long bytes);

  /** Why the vendor's library of matrix products cannot be used; empty where it can. */
  Optional<String> productsUnusable();

  /**
   * Seconds of the vendor's product [rows, width] · [features, width]ᵀ into F32.
   *
   * @param dtype of both factors: F32, multiplied as such, or BF16
   * @throws dev.coxswain.error.DeviceException where {@link #productsUnusable}
   */
  double productSeconds(DType dtype, int features, int rows, int width);
}
