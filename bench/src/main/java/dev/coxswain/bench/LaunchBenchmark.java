package dev.coxswain.bench;

import dev.coxswain.backend.Device;
import dev.coxswain.backend.SteerBatch;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * What Java and JNI take to have a batch steered on CUDA: the driver below is one that does nothing
 * ({@code build/release/noopcuda}), so neither a device nor a real driver's share is in it.
 */
public class LaunchBenchmark extends Operation {
  private static final int WIDTH = 576;

  @Param({"1", "64"})
  public int rows;

  @Param({"1", "8"})
  public int plans;

  private SteerBatch batch;
  private SteerKernel[] kernels;
  private HostTensor rowKernels;
  private TensorView x;

  public LaunchBenchmark() {
    super(Device.parse("cuda"));
  }

  @Setup
  public void prepare() {
    SteerRule rule =
        new SteerRule(
            SteerRule.Kind.CLAMP,
            Optional.of(place(Synthetic.floats(1, 0.1f, 4, WIDTH))),
            Optional.of(place(Synthetic.floats(2, 0.01f, 4))),
            Optional.of(place(Synthetic.floats(3, 0.1f, 4, WIDTH))),
            Optional.empty(),
            1);
    kernels = new SteerKernel[plans];
    for (int plan = 0; plan < plans; plan++) {
      kernels[plan] = own(backend().steerKernel(WIDTH, List.of(rule), Optional.empty()));
    }
    rowKernels = own(HostTensor.allocate(DType.I32, rows));
    for (int row = 0; row < rows; row++) {
      rowKernels.setInt(row, row % plans);
    }
    x = place(Synthetic.rows(rows, WIDTH));
    batch = own(backend().steerBatch());
  }

  @Benchmark
  public void launch() {
    batch.apply(
        kernels,
        plans,
        rowKernels.view().address(),
        x.address(),
        4L * WIDTH,
        rows,
        DType.F32,
        x.space(),
        0);
  }
}
