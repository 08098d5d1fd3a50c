package dev.coxswain.bench;

import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** One training step of 1,024 rows. */
public class TrainBenchmark extends Operation {
  private static final int ROWS = 1024;

  @Param({"d576-F4096", "d4096-F65536"})
  public String size;

  private TrainState state;
  private TensorView x;
  private long step;

  @Setup
  public void prepare() {
    Size parsed = Size.parse(size);
    int f = parsed.features();
    int d = parsed.width();
    float scale = (float) Math.sqrt(3.0 / d);
    state =
        new TrainState(
            place(Synthetic.floats(1, scale, f, d)),
            place(Synthetic.floats(2, 0.01f, f)),
            place(Synthetic.floats(1, scale, f, d)),
            place(Synthetic.floats(4, 0.1f, d)),
            allocate(DType.F32, TrainState.parameters(f, d)),
            allocate(DType.F32, TrainState.parameters(f, d)),
            allocate(DType.I64, f));
    x = place(Synthetic.rows(ROWS, d));
  }

  @Benchmark
  public TrainReport trainStep() {
    step++;
    TrainStep numbers =
        new TrainStep(Size.K, 0, 1 / 32f, Long.MAX_VALUE, step, 1e-4f, 0.9f, 0.999f, 1e-8f);
    return backend().trainStep(state, numbers, x);
  }

  /**
   * The encoder's product; four products with the selected features alone; then Adam, which reads
   * parameter, both moments and gradient, and writes the first three.
   */
  static Work work(Size size) {
    double products = 2.0 * ROWS * size.width() * (size.features() + 4.0 * Size.K);
    long parameters = TrainState.parameters(size.features(), size.width());
    return Work.of(size.weightBytes(), products).then(28 * parameters, 10.0 * parameters);
  }
}
