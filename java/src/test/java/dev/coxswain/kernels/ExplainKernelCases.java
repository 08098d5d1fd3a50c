package dev.coxswain.kernels;

import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.backend.cuda.CudaBackend;
import dev.coxswain.kernels.KernelCase.Promise;
import dev.coxswain.kernels.KernelCase.Row;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.List;
import java.util.Optional;

/** Both passes of the explanation, the logits kept between them. */
final class ExplainKernelCases {
  private static final int F = 256;
  private static final int V = 512;
  private static final int D = 576;
  private static final int M = 10;
  private static final long LOGITS = 4L * F * V;
  private static final long ROW_PARTS = 16L * F * (V / 128);
  private static final long COLUMN_PARTS = 16L * V * (F / 128);

  private ExplainKernelCases() {}

  static List<KernelCase> all() {
    return List.of(
        new KernelCase(
            "explain",
            "F 256, V 512, d 576, M 10",
            List.of(
                new Row(
                    "explain_logits",
                    "cox_explain_logits",
                    4L * (F + V) * D + LOGITS,
                    Promise.tiled()),
                new Row(
                    "explain_statistics",
                    "cox_explain_blocks",
                    LOGITS + ROW_PARTS + COLUMN_PARTS,
                    Promise.streaming()),
                new Row(
                    "explain_statistics",
                    "cox_explain_merge_rows",
                    ROW_PARTS + 8L * F,
                    Promise.streaming()),
                new Row(
                    "explain_statistics",
                    "cox_explain_merge_columns",
                    COLUMN_PARTS + 32L * V,
                    Promise.streaming()),
                new Row(
                    "explain_statistics", "cox_explain_column_logs", 24L * V, Promise.streaming()),
                new Row(
                    "explain_top",
                    "cox_explain_top",
                    LOGITS + 8L * (F + V) + 28L * F * M,
                    // Binary searches in sorted lists, few beside the scores of all words.
                    Promise.tiled().anyLoads().conflicts(0.001))),
            ExplainKernelCases::explain));
  }

  private static void explain(CudaBackend backend) {
    ExplainOptions options = new ExplainOptions(ExplainOptions.Objective.MI, 1, 1, F);
    try (Operands operands = new Operands(backend)) {
      TensorView logits = operands.keep(backend.explainLogits(F, V).orElseThrow());
      ExplainShard shard =
          new ExplainShard(
              operands.floats(1, 0.1f, F, D), operands.floats(2, 0.1f, V, D), Optional.of(logits));
      TensorView rows = operands.room(DType.F64, F);
      TensorView columns = operands.emptyLogSums(V);
      backend.explainStatistics(shard, options, rows, columns);
      ExplainWords best =
          new ExplainWords(
              operands.room(DType.I32, F, M),
              operands.room(DType.F64, F, M),
              operands.room(DType.F64, F, M),
              operands.room(DType.F64, F, M));
      backend.explainTop(shard, options, rows, columns, best);
    }
  }
}
