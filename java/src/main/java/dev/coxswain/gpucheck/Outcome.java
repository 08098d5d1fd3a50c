package dev.coxswain.gpucheck;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** All that an operation left on one side, by name and in order, on the host. For one thread. */
final class Outcome implements AutoCloseable {
  private record Named(String name, HostTensor tensor) {}

  private final Side side;
  private final List<Named> entries = new ArrayList<>();

  Outcome(Side side) {
    this.side = side;
  }

  /** Keeps a copy of a tensor. */
  void add(String name, TensorView view) {
    HostTensor copy = HostTensor.allocate(view.dtype(), view.shape());
    entries.add(new Named(name, copy));
    side.backend().copy(view, copy.view());
  }

  void add(String name, long value) {
    HostTensor scalar = HostTensor.allocate(DType.I64, 1);
    HostMemory.putLong(scalar.view().address(), value);
    entries.add(new Named(name, scalar));
  }

  void add(String name, double value) {
    HostTensor scalar = HostTensor.allocate(DType.F64, 1);
    HostMemory.putDouble(scalar.view().address(), value);
    entries.add(new Named(name, scalar));
  }

  /** How many numbers there are. */
  long values() {
    return entries.stream().mapToLong(entry -> entry.tensor().shape().elements()).sum();
  }

  /** The first bit pattern that differs, in words; the other outcome is the device's. */
  Optional<String> difference(Outcome device) {
    for (int i = 0; i < entries.size(); i++) {
      Named mine = entries.get(i);
      Optional<String> difference =
          difference(mine.tensor().view(), device.entries.get(i).tensor().view());
      if (difference.isPresent()) {
        return Optional.of(mine.name() + difference.get());
      }
    }
    return Optional.empty();
  }

  private static Optional<String> difference(TensorView cpu, TensorView device) {
    int bytes = cpu.dtype().bytes();
    long elements = cpu.shape().elements();
    for (long i = 0; i < elements; i++) {
      long here = bits(cpu.address() + i * bytes, bytes);
      long there = bits(device.address() + i * bytes, bytes);
      if (here != there) {
        return Optional.of(
            place(cpu, i)
                + ": the CPU has "
                + shown(cpu.dtype(), here)
                + ", the device "
                + shown(cpu.dtype(), there));
      }
    }
    return Optional.empty();
  }

  private static long bits(long address, int bytes) {
    return switch (bytes) {
      case 2 -> HostMemory.getShort(address) & 0xffffL;
      case 4 -> HostMemory.getInt(address) & 0xffff_ffffL;
      case 8 -> HostMemory.getLong(address);
      default -> throw new IllegalArgumentException("elements of " + bytes + " bytes");
    };
  }

  /** As in {@code [3, 17]}; nothing for a single number. */
  private static String place(TensorView view, long element) {
    long columns = view.rowElements();
    if (view.shape().elements() == 1) {
      return "";
    }
    return columns == 1
        ? "[" + element + "]"
        : "[" + element / columns + ", " + element % columns + "]";
  }

  private static String shown(DType dtype, long bits) {
    String value =
        switch (dtype) {
          case F32 -> Float.toString(Float.intBitsToFloat((int) bits));
          case BF16 -> Float.toString(Float.intBitsToFloat((int) bits << 16));
          case F16 -> Float.toString(dev.coxswain.io.FloatConversion.halfToFloat((short) bits));
          case F64 -> Double.toString(Double.longBitsToDouble(bits));
          default -> Long.toString(dtype == DType.I32 ? (int) bits : bits);
        };
    boolean integer = dtype == DType.I32 || dtype == DType.I64;
    return integer ? value : value + " (0x" + Long.toHexString(bits) + ")";
  }

  @Override
  public void close() {
    entries.forEach(entry -> entry.tensor().close());
  }
}
