package dev.coxswain.bench;

import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Both passes of the explanation: the ten best of V words for each feature. */
public class ExplainBenchmark extends Operation {
  private static final int TOP = 10;

  @Param({"d576-F4096", "d4096-F65536"})
  public String size;

  @Param({"128"})
  public int words;

  private TensorView directions;
  private TensorView embeddings;
  private TensorView rowLogSumExp;
  private TensorView columns;
  private TensorView noColumns;
  private ExplainOptions options;
  private ExplainWords best;

  @Setup
  public void prepare() {
    Size parsed = Size.parse(size);
    int f = parsed.features();
    directions = place(Synthetic.floats(1, 0.1f, f, parsed.width()));
    embeddings = place(Synthetic.floats(2, 0.1f, words, parsed.width()));
    rowLogSumExp = allocate(DType.F64, f);
    columns = allocate(DType.F64, words, 2);
    noColumns = place(noColumns(words));
    options = new ExplainOptions(ExplainOptions.Objective.MI, 1, 1, f);
    best =
        new ExplainWords(
            allocate(DType.I32, f, TOP),
            allocate(DType.F64, f, TOP),
            allocate(DType.F64, f, TOP),
            allocate(DType.F64, f, TOP));
  }

  private static HostTensor noColumns(int words) {
    HostTensor tensor = HostTensor.allocate(DType.F64, words, 2);
    for (int word = 0; word < words; word++) {
      HostMemory.putDouble(tensor.view().address() + 16L * word, Double.NEGATIVE_INFINITY);
    }
    return tensor;
  }

  @Benchmark
  public void explain() {
    backend().copy(noColumns, columns);
    ExplainShard shard = new ExplainShard(directions, embeddings);
    backend().explainStatistics(shard, options, rowLogSumExp, columns);
    backend().explainTop(shard, options, rowLogSumExp, columns, best);
  }

  /** Each pass multiplies every feature with every word. */
  static Work work(Size size, long words) {
    long bytes = size.weightBytes() + 4 * words * size.width();
    return Work.of(2 * bytes, 4.0 * size.features() * words * size.width());
  }
}
