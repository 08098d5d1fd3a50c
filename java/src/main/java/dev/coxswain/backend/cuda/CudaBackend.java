package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.backend.DeviceStatus;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
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
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.MemorySpace;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;

/**
 * The CUDA backend: hand-written kernels launched through JCuda on one device. Results are those of
 * the CPU backend, bit for bit. Each call works on a stream of its own; where memory runs out the
 * call fails and everything it had is freed.
 *
 * @throws DeviceException (all methods) where the device fails, or has failed for good before
 */
public final class CudaBackend implements Backend {
  private final CudaDevice device;
  private final CudaEncode encode;
  private final CudaDecode decode;
  private final CudaTraining training;

  private CudaBackend(CudaDevice device) {
    this.device = device;
    this.encode = new CudaEncode(device, EncodeTuning.DEFAULT);
    this.decode = new CudaDecode(device);
    this.training = new CudaTraining(device, encode);
  }

  /**
   * @param ordinal the device's number, as the driver counts them
   * @throws DeviceException where there is no driver, no such device, or it cannot be used
   */
  public static CudaBackend open(int ordinal) {
    CudaDriver driver = CudaDriver.get();
    CudaModule.requireKernels();
    return new CudaBackend(CudaDevice.open(driver, ordinal));
  }

  /**
   * The first device; on a machine without a driver it says so in no time.
   *
   * @throws DeviceException as {@link #open}
   */
  public static CudaBackend openIfInstalled() {
    if (!CudaDriver.isInstalled()) {
      throw new DeviceException(CudaDriver.NOT_INSTALLED);
    }
    return open(0);
  }

  /** What the driver offers, every device by name, and why something is not usable. */
  public static DeviceStatus status() {
    return CudaStatus.get();
  }

  CudaDevice device() {
    return device;
  }

  @Override
  public String name() {
    DeviceTraits traits = device.traits();
    return device.space() + " (" + traits.name() + ", " + traits.architecture() + ")";
  }

  @Override
  public MemorySpace space() {
    return device.space();
  }

  /** This device's facts and times; valid until the backend is closed. */
  public DeviceProbe probe() {
    return new CudaProbe(device);
  }

  // --- memory

  @Override
  public TensorOwner allocate(DType dtype, Shape shape) {
    try (CudaLane lane = device.lane()) {
      DeviceBuffer buffer = DeviceBuffer.allocate(device, dtype, shape);
      try {
        lane.fill(buffer.address(), (byte) 0, buffer.view().byteSize());
        lane.synchronize();
        return buffer;
      } catch (RuntimeException | Error e) {
        buffer.close();
        throw e;
      }
    }
  }

  @Override
  public void copy(TensorView source, TensorView target) {
    Requirements.sameTypeAndShape(source, target);
    try (CudaLane lane = device.lane()) {
      copy(lane, source, target);
    }
  }

  private void copy(CudaLane lane, TensorView source, TensorView target) {
    long bytes = source.byteSize();
    if (source.space().isHost() && target.space().isHost()) {
      HostMemory.copy(source.address(), target.address(), bytes);
    } else if (source.space().isHost()) {
      lane.toDevice(source.address(), device.address("target", target), bytes);
    } else if (target.space().isHost()) {
      lane.toHost(device.address("source", source), target.address(), bytes);
    } else {
      lane.copy(device.address("source", source), device.address("target", target), bytes);
      lane.synchronize();
    }
    device.written(target);
  }

  @Override
  public TensorOwner place(TensorView host) {
    if (!host.space().isHost()) {
      throw new IllegalArgumentException(
          "tensor is in " + host.space() + " memory; a tensor of the host is placed");
    }
    try (CudaLane lane = device.lane()) {
      DeviceBuffer buffer = DeviceBuffer.allocate(device, host.dtype(), host.shape());
      try {
        copy(lane, host, buffer.view());
        return buffer;
      } catch (RuntimeException | Error e) {
        buffer.close();
        throw e;
      }
    }
  }

  // --- operations

  @Override
  public EncodeReport encode(Encoder encoder, TensorView x, SparseRows active) {
    return encode.encode(encoder, x, active);
  }

  @Override
  public long decode(Decoder decoder, SparseRows active, TensorView xHat) {
    Requirements.decode(decoder, active, xHat);
    try (CudaLane lane = device.lane()) {
      return decode.decode(lane, decoder, active, xHat);
    }
  }

  @Override
  public SteerKernel steerKernel(
      int width, List<SteerRule> rules, Optional<SteerCondition> condition) {
    return CudaSteer.create(device, width, rules, condition);
  }

  @Override
  public SteerBatch steerBatch() {
    return CudaSteerBatch.create(device);
  }

  @Override
  public Optional<TensorOwner> explainLogits(long features, long words) {
    return CudaExplain.room(device, features, words);
  }

  @Override
  public void explainStatistics(
      ExplainShard shard, ExplainOptions options, TensorView rowLogSumExp, TensorView columns) {
    CudaExplain.statistics(device, shard, options, rowLogSumExp, columns);
  }

  @Override
  public void explainTop(
      ExplainShard shard,
      ExplainOptions options,
      TensorView rowLogSumExp,
      TensorView columns,
      ExplainWords best) {
    CudaExplain.top(device, shard, options, rowLogSumExp, columns, best);
  }

  @Override
  public TrainReport trainStep(TrainState state, TrainStep step, TensorView x) {
    Requirements.train(state, step, x);
    try (CudaLane lane = device.lane()) {
      return training.step(lane, state, step, x);
    }
  }

  private DeviceException missing(String what) {
    return new DeviceException(what + " on CUDA is not in this version");
  }

  @Override
  public void close() {
    device.close();
  }
}
