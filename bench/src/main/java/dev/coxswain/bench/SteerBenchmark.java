package dev.coxswain.bench;

import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** One generated token's hidden state, steered in place by m features. */
public class SteerBenchmark extends Operation {
  @Param({"576", "4096"})
  public int width;

  @Param({"1", "16", "64", "1024"})
  public int features;

  private SteerKernel kernel;
  private TensorView x;

  @Setup
  public void prepare() {
    float scale = (float) Math.sqrt(3.0 / width);
    SteerRule rule =
        new SteerRule(
            SteerRule.Kind.CLAMP,
            Optional.of(place(Synthetic.floats(1, scale, features, width))),
            Optional.of(place(Synthetic.floats(2, 0.01f, features))),
            Optional.of(place(Synthetic.floats(3, scale, features, width))),
            Optional.empty(),
            1);
    kernel = own(backend().steerKernel(width, List.of(rule), Optional.empty()));
    x = place(Synthetic.rows(1, width));
  }

  @Benchmark
  public void steer() {
    long stride = 4L * width;
    kernel.apply(x.address(), stride, x.address(), stride, 1, DType.F32, 0, 0);
  }

  /** Both of a feature's directions are read: the one that measures it and the one it writes. */
  static Work work(int width, long features) {
    return Work.of(4L * width * (2 * features + 2), 4.0 * features * width);
  }
}
