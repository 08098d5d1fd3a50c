package dev.coxswain.bench;

import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Active features to hidden states. */
public class DecodeBenchmark extends Operation {
  @Param({"d576-F4096", "d4096-F65536"})
  public String size;

  @Param({"1", "32", "256"})
  public int rows;

  private Decoder decoder;
  private SparseRows active;
  private TensorView x;

  @Setup
  public void prepare() {
    Size parsed = Size.parse(size);
    PlacedAutoencoder placed =
        own(PlacedAutoencoder.place(backend(), own(Synthetic.autoencoder(parsed))));
    decoder = placed.decoder();
    active = allocateActive(rows, Size.K);
    x = allocate(DType.F32, rows, parsed.width());
    backend().encode(placed.encoder(), place(Synthetic.rows(rows, parsed.width())), active);
  }

  @Benchmark
  public long decode() {
    return backend().decode(decoder, active, x);
  }

  /** Each selected feature's direction is read once from memory, then again from the cache. */
  static Work work(Size size, long rows) {
    long directions = Math.min(rows * Size.K, size.features());
    long bytes = 4L * size.width() * (directions + rows) + rows * 8L * Size.K;
    return Work.of(bytes, 2.0 * rows * Size.K * size.width());
  }
}
