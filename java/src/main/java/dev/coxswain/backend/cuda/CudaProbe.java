package dev.coxswain.backend.cuda;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_CLOCK_RATE;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE;

import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.cuda.blas.Blas;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import jcuda.driver.CUevent;

/** A CUDA device's facts and times. Owns nothing; for one thread. */
final class CudaProbe implements DeviceProbe {
  private static final String SOFTWARE = "software CUDA driver";

  private final CudaDevice device;

  CudaProbe(CudaDevice device) {
    this.device = device;
  }

  @Override
  public Map<String, Object> facts() {
    DeviceTraits traits = device.traits();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("card", traits.name());
    facts.put("architecture", traits.architecture());
    facts.put("driver_cuda_version", CudaDriver.text(device.driver().version()));
    facts.put("multiprocessors", traits.multiprocessors());
    facts.put("memory_bytes", traits.memoryBytes());
    facts.put("clock_khz", device.attribute(CU_DEVICE_ATTRIBUTE_CLOCK_RATE));
    facts.put("memory_clock_khz", device.attribute(CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE));
    facts.put("memory_bus_bits", device.attribute(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH));
    return facts;
  }

  @Override
  public boolean isSoftware() {
    return device.traits().name().contains(SOFTWARE);
  }

  @Override
  public long freeBytes() {
    try (CudaLane lane = device.lane()) {
      return lane.device().memory()[0];
    }
  }

  @Override
  public List<String> encodePaths() {
    return Arrays.stream(EncodePath.values()).map(EncodePath::name).toList();
  }

  @Override
  public EncodeReport encode(String path, Encoder encoder, TensorView x, SparseRows active) {
    EncodeTuning tuning = EncodeTuning.DEFAULT.with(EncodePath.valueOf(path));
    return new CudaEncode(device, tuning).encode(encoder, x, active);
  }

  @Override
  public List<KernelTime> time(Runnable operation) {
    KernelWatch watch = device.watch();
    watch.start();
    try {
      operation.run();
      try (CudaLane lane = device.lane()) {
        return lane.device().watch().times();
      }
    } finally {
      watch.stop();
    }
  }

  @Override
  public double copySeconds(long bytes) {
    try (CudaLane lane = device.lane()) {
      long source = lane.scratch(bytes);
      long target = lane.scratch(bytes);
      lane.fill(source, (byte) 1, bytes);
      return seconds(lane, () -> lane.copy(source, target, bytes));
    }
  }

  @Override
  public Optional<String> productsUnusable() {
    return Blas.unusable();
  }

  @Override
  public double productSeconds(DType dtype, int features, int rows, int width) {
    try (CudaLane lane = device.lane()) {
      Blas blas = lane.blas().orElseThrow();
      long weights = zeroed(lane, (long) dtype.bytes() * features * width);
      long x = zeroed(lane, (long) dtype.bytes() * rows * width);
      long scores = lane.scratch(4L * rows * features);
      return seconds(lane, () -> blas.scores(dtype, weights, x, scores, features, rows, width));
    }
  }

  private static long zeroed(CudaLane lane, long bytes) {
    long address = lane.scratch(bytes);
    lane.fill(address, (byte) 0, bytes);
    return address;
  }

  /** The second time it runs. */
  private double seconds(CudaLane lane, Runnable work) {
    work.run();
    KernelWatch watch = device.watch();
    CUevent begin = watch.record(lane.stream().handle());
    try {
      work.run();
      CUevent end = watch.record(lane.stream().handle());
      try {
        return watch.seconds(begin, end);
      } finally {
        watch.destroy(end);
      }
    } finally {
      watch.destroy(begin);
    }
  }
}
