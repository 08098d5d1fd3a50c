package dev.coxswain.bench;

import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.tensor.TensorView;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Hidden states to active features. */
public class EncodeBenchmark extends Operation {
  @Param({"d576-F4096", "d4096-F65536"})
  public String size;

  @Param({"1", "32", "256"})
  public int rows;

  private Encoder encoder;
  private TensorView x;
  private SparseRows active;

  @Setup
  public void prepare() {
    Size parsed = Size.parse(size);
    encoder = own(PlacedAutoencoder.place(backend(), own(Synthetic.autoencoder(parsed)))).encoder();
    x = place(Synthetic.rows(rows, parsed.width()));
    active = allocateActive(rows, Size.K);
  }

  @Benchmark
  public EncodeReport encode() {
    return backend().encode(encoder, x, active);
  }

  /** Every weight is read and multiplied with every row. */
  static Work work(Size size, long rows) {
    long bytes = size.weightBytes() + rows * (4L * size.width() + 8L * Size.K);
    return Work.of(bytes, 2.0 * rows * size.width() * size.features());
  }
}
