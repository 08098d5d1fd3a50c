package dev.coxswain.backend.cpu;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.backend.NativeHandle;
import dev.coxswain.backend.Requirements;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.error.DeviceException;
import dev.coxswain.error.UsageException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.MemorySpace;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;

/**
 * The CPU backend: hand-written SIMD for AVX-512, AVX2 and plain C++, chosen once when it opens,
 * with its own threads. The same bits for each of them and for every number of threads.
 */
public final class CpuBackend implements Backend {
  /** More would only be a slip of the keyboard. */
  public static final int MAX_THREADS = 1024;

  private final NativeHandle device;
  private final Isa isa;
  private final int threads;

  private CpuBackend(int threads, int isaCode) {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads = " + threads + " is not between 1 and " + MAX_THREADS);
    }
    NativeLibrary.load();
    long pointer = openDevice(threads, isaCode);
    this.device = new NativeHandle("CpuBackend", pointer, Native::closeDevice);
    this.isa = Isa.values()[Native.deviceIsa(pointer)];
    this.threads = threads;
  }

  private static long openDevice(int threads, int isaCode) {
    try {
      return Native.openDevice(threads, isaCode);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }

  /**
   * @param threads that compute, the caller's among them
   * @throws DeviceException where the native library cannot be used, with the reason
   * @throws IllegalArgumentException where {@code threads} is not between 1 and {@link
   *     #MAX_THREADS}
   * @throws UsageException where COX_MAX_ISA names no instruction set
   */
  public static CpuBackend open(int threads) {
    return new CpuBackend(threads, -1);
  }

  /** With one instruction set, for tests of their equality. */
  static CpuBackend open(int threads, Isa isa) {
    return new CpuBackend(threads, isa.ordinal());
  }

  /** The instruction sets this machine can run, best last. */
  static List<Isa> supportedIsas() {
    NativeLibrary.load();
    return java.util.Arrays.stream(Isa.values()).filter(Isa::isSupported).toList();
  }

  @Override
  public String name() {
    return "cpu (" + isa + ", " + threads + (threads == 1 ? " thread)" : " threads)");
  }

  /** The instruction set in use: portable, avx2 or avx512. */
  public String instructionSet() {
    return isa.toString();
  }

  @Override
  public MemorySpace space() {
    return MemorySpace.HOST;
  }

  @Override
  public TensorOwner allocate(DType dtype, Shape shape) {
    device.requireOpen();
    return HostTensor.allocate(dtype, shape);
  }

  @Override
  public void copy(TensorView source, TensorView target) {
    device.requireOpen();
    Requirements.sameTypeAndShape(source, target);
    HostMemory.copy(
        Checks.host("source", source), Checks.host("target", target), source.byteSize());
  }

  @Override
  public TensorOwner place(TensorView host) {
    device.requireOpen();
    Checks.host("tensor", host);
    return new BorrowedTensor(host);
  }

  @Override
  public EncodeReport encode(Encoder encoder, TensorView x, SparseRows active) {
    long pointer = device.acquire();
    try {
      return CpuCodec.encode(pointer, encoder, x, active);
    } finally {
      device.release();
    }
  }

  @Override
  public long decode(Decoder decoder, SparseRows active, TensorView xHat) {
    long pointer = device.acquire();
    try {
      return CpuCodec.decode(pointer, decoder, active, xHat);
    } finally {
      device.release();
    }
  }

  @Override
  public SteerKernel steerKernel(
      int width, List<SteerRule> rules, Optional<SteerCondition> condition) {
    return CpuSteer.create(device, width, rules, condition);
  }

  @Override
  public SteerBatch steerBatch() {
    device.requireOpen();
    return new CpuSteerBatch();
  }

  @Override
  public void explainStatistics(
      ExplainShard shard, ExplainOptions options, TensorView rowLogSumExp, TensorView columns) {
    long pointer = device.acquire();
    try {
      CpuExplain.statistics(pointer, shard, options, rowLogSumExp, columns);
    } finally {
      device.release();
    }
  }

  @Override
  public void explainTop(
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns,
      ExplainWords best) {
    long pointer = device.acquire();
    try {
      CpuExplain.top(pointer, shard, options, rowLogSumExp, columns, best);
    } finally {
      device.release();
    }
  }

  @Override
  public TrainReport trainStep(TrainState state, TrainStep step, TensorView x) {
    long pointer = device.acquire();
    try {
      return CpuTraining.step(pointer, state, step, x);
    } finally {
      device.release();
    }
  }

  @Override
  public void close() {
    device.close();
  }
}
