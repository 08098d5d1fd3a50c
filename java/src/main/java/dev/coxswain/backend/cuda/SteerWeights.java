package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Codes;
import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;

/**
 * Lays a plan out in one piece of device memory, as kernels/steer_row.cuh describes it: the plan,
 * its rules, then copies of their tensors, rows a {@link SteerLaunch#pitch} apart with zeros at
 * their ends.
 */
final class SteerWeights {
  private static final int PLAN_WORDS = 6;
  private static final int RULE_WORDS = 7;

  /** Tensors begin on this many bytes. */
  private static final long ALIGNMENT = 256;

  private final CudaDevice device;
  private final CudaLane lane;
  private final long pitch;
  private final HostTensor head;
  private final DeviceBuffer memory;
  private long next;

  private SteerWeights(CudaLane lane, int width, HostTensor head, long tensorBytes) {
    this.device = lane.device();
    this.lane = lane;
    this.pitch = SteerLaunch.pitch(width);
    this.head = head;
    this.next = aligned(head.view().byteSize());
    this.memory = DeviceBuffer.allocate(device, DType.U8, Shape.of(next + tensorBytes));
  }

  /** The plan begins where the buffer does. Complete on return. */
  static DeviceBuffer place(
      CudaLane lane, int width, List<SteerRule> rules, Optional<SteerCondition> condition) {
    long words = PLAN_WORDS + (long) RULE_WORDS * rules.size();
    long bytes = bytes(SteerLaunch.pitch(width), rules, condition);
    try (HostTensor head = HostTensor.allocate(DType.I64, words)) {
      SteerWeights weights = new SteerWeights(lane, width, head, bytes);
      try {
        weights.write(rules, condition);
        return weights.memory;
      } catch (RuntimeException | Error e) {
        weights.memory.close();
        throw e;
      }
    }
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private static long bytes(long pitch, List<SteerRule> rules, Optional<SteerCondition> condition) {
    long bytes = condition.map(when -> readBytes(pitch, when.read().rows())).orElse(0L);
    for (SteerRule rule : rules) {
      long m = rule.read().map(TensorView::rows).orElse(0L);
      bytes += rule.read().isPresent() ? readBytes(pitch, m) + aligned(4 * m * pitch) : 0;
      bytes += rule.constant().isPresent() ? aligned(4 * pitch) : 0;
    }
    return bytes;
  }

  private static long readBytes(long pitch, long m) {
    return aligned(4 * m * pitch) + aligned(4 * m);
  }

  private void write(List<SteerRule> rules, Optional<SteerCondition> condition) {
    lane.fill(memory.address(), (byte) 0, memory.view().byteSize());
    putWord(0, rules.size());
    putWord(1, memory.address() + 8L * PLAN_WORDS);
    if (condition.isPresent()) {
      SteerCondition when = condition.get();
      putWord(2, when.read().rows());
      putWord(3, rows("R", Optional.of(when.read())));
      putWord(4, vector("c", Optional.of(when.readBias()), when.readBias().rows()));
      putWord(5, Double.doubleToRawLongBits(when.threshold()));
    }
    for (int r = 0; r < rules.size(); r++) {
      write(rules.get(r), PLAN_WORDS + r * RULE_WORDS);
    }
    lane.toDevice(head.view().address(), memory.address(), head.view().byteSize());
  }

  private void write(SteerRule rule, int word) {
    putWord(word, Codes.of(rule.kind()));
    putWord(word + 1, Double.doubleToRawLongBits(rule.strength()));
    long m = rule.read().map(TensorView::rows).orElse(0L);
    putWord(word + 2, m);
    putWord(word + 3, rows("R", rule.read()));
    putWord(word + 4, vector("c", rule.readBias(), m));
    putWord(word + 5, rows("S", rule.write()));
    putWord(word + 6, vector("constant", rule.constant(), pitch));
  }

  private void putWord(int word, long value) {
    HostMemory.putLong(head.view().address() + 8L * word, value);
  }

  /** Copies a matrix [m, d] to rows a pitch apart; 0 where there is none. */
  private long rows(String name, Optional<TensorView> view) {
    if (view.isEmpty()) {
      return 0;
    }
    long source = device.address(name, view.get());
    long m = view.get().rows();
    long target = take(4 * m * pitch);
    long bytes = 4 * view.get().rowElements();
    if (bytes == 4 * pitch) {
      lane.copy(source, target, m * bytes);
      return target;
    }
    for (long j = 0; j < m; j++) {
      lane.copy(source + j * bytes, target + j * 4 * pitch, bytes);
    }
    return target;
  }

  private long vector(String name, Optional<TensorView> view, long floats) {
    if (view.isEmpty()) {
      return 0;
    }
    long target = take(4 * floats);
    lane.copy(device.address(name, view.get()), target, view.get().byteSize());
    return target;
  }

  private long take(long bytes) {
    long address = memory.address() + next;
    next += aligned(bytes);
    return address;
  }
}
