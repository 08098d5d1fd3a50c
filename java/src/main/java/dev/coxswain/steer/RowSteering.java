package dev.coxswain.steer;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.RowSource;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Steers the rows of files, block by block. Plain rows know no requests or positions: every finite
 * one is steered.
 */
public final class RowSteering {
  private static final String TENSOR = "x";
  private static final long BLOCK_BYTES = 16 << 20;

  private RowSteering() {}

  /**
   * @param out a safetensors file with {@code x} in the rows' own type; appears whole or not at all
   * @param progress receives the rows done
   * @throws InvalidDataException where the rows are not as wide as the plan's SAE
   */
  public static SteerReport run(
      Backend backend, CompiledPlan plan, RowSource rows, Path out, LongConsumer progress) {
    int width = plan.kernel().width();
    rows.requireWidth("the plan's SAE", width);
    Shape whole = Shape.of(rows.rows(), width);
    List<SafetensorsWriter.Declaration> content =
        List.of(new SafetensorsWriter.Declaration(TENSOR, rows.dtype(), whole));
    try (SafetensorsWriter writer = SafetensorsWriter.create(out, content, Map.of());
        HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS)) {
      long block = Math.max(1, BLOCK_BYTES / ((long) width * rows.dtype().bytes()));
      for (long from = 0; from < rows.rows(); from += block) {
        long to = Math.min(rows.rows(), from + block);
        steerBlock(backend, plan.kernel(), rows, from, to, writer, counters);
        progress.accept(to);
      }
      writer.commit();
      return report(rows.rows(), counters.view().address());
    }
  }

  private static void steerBlock(
      Backend backend,
      SteerKernel kernel,
      RowSource rows,
      long from,
      long to,
      SafetensorsWriter writer,
      HostTensor counters) {
    Shape shape = Shape.of(to - from, kernel.width());
    long stride = (long) kernel.width() * rows.dtype().bytes();
    try (HostTensor host = HostTensor.allocate(rows.dtype(), shape);
        TensorOwner y = backend.allocate(rows.dtype(), shape)) {
      rows.read(from, to, host.view());
      try (TensorOwner x = backend.place(host.view())) {
        kernel.apply(
            x.view().address(),
            stride,
            y.view().address(),
            stride,
            to - from,
            rows.dtype(),
            0,
            counters.view().address());
      }
      TensorView result = host.view();
      backend.copy(y.view(), result);
      writer.append(TENSOR, result);
    }
  }

  private static SteerReport report(long rows, long counters) {
    return new SteerReport(
        rows,
        HostMemory.getLong(counters + 8L * SteerKernel.STEERED),
        HostMemory.getLong(counters + 8L * SteerKernel.GATED_OFF),
        HostMemory.getLong(counters + 8L * SteerKernel.NON_FINITE),
        HostMemory.getLong(counters + 8L * SteerKernel.SATURATED));
  }
}
