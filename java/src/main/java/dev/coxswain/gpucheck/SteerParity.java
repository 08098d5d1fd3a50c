package dev.coxswain.gpucheck;

import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Steering: every rule, and all of them in one plan with a condition. */
final class SteerParity {
  private static final float STRENGTH = 1.5f;

  private final CheckSize size;
  private final long seed;

  SteerParity(CheckSize size, long seed) {
    this.size = size;
    this.seed = seed;
  }

  void run(Comparison comparison) {
    for (SteerRule.Kind kind : SteerRule.Kind.values()) {
      for (DType dtype : CodecParity.TYPES) {
        one(comparison, List.of(kind), Math.min(16, size.features()), 1, dtype, false);
      }
      one(comparison, List.of(kind), Math.min(300, size.features()), size.rows(), DType.BF16, true);
    }
    List<SteerRule.Kind> all = List.of(SteerRule.Kind.values());
    one(comparison, all, Math.min(48, size.features()), size.rows(), DType.F32, true);
    one(comparison, all, 3, 1, DType.F16, true);
  }

  private void one(
      Comparison comparison,
      List<SteerRule.Kind> kinds,
      int features,
      int rows,
      DType dtype,
      boolean conditional) {
    long own = seed + 31L * kinds.hashCode() + 7L * features + 3L * rows + dtype.ordinal();
    String name =
        String.format(
            Locale.ROOT,
            "d %d, %s, m %d, n %d, %s%s",
            size.width(),
            kinds.size() == 1 ? kinds.get(0) : "all rules",
            features,
            rows,
            dtype,
            conditional ? ", with a condition" : "");
    Draw draw = new Draw(own);
    float range = (float) (1 / Math.sqrt(size.width()));
    try (HostTensor read = draw.floats(range, features, size.width());
        HostTensor bias = draw.floats(0.5f, features);
        HostTensor write = draw.floats(range, features, size.width());
        HostTensor constant = draw.floats(0.1f, size.width());
        HostTensor selection = selection(rows);
        HostTensor x = draw.rows(dtype, rows, size.width())) {
      comparison.compare(
          "steer",
          name,
          own,
          (side, outcome) -> {
            Tensors tensors =
                new Tensors(
                    side.copy(read), side.copy(bias), side.copy(write), side.copy(constant));
            try (SteerKernel kernel = kernel(side, kinds, tensors, conditional)) {
              steer(side, outcome, kernel, side.copy(x), side.copy(selection));
            }
          });
    }
  }

  /** Every row but each fifth. */
  private static HostTensor selection(int rows) {
    HostTensor selection = HostTensor.allocate(DType.U8, rows);
    for (int row = 0; row < rows; row++) {
      HostMemory.putByte(selection.view().address() + row, (byte) (row % 5 == 4 ? 0 : 1));
    }
    return selection;
  }

  private record Tensors(TensorView read, TensorView bias, TensorView write, TensorView constant) {}

  private SteerKernel kernel(
      Side side, List<SteerRule.Kind> kinds, Tensors tensors, boolean conditional) {
    List<SteerRule> rules = new ArrayList<>();
    for (SteerRule.Kind kind : kinds) {
      boolean reads = kind != SteerRule.Kind.ADD;
      boolean shifts = kind == SteerRule.Kind.ADD || kind == SteerRule.Kind.CALIBRATE;
      rules.add(
          new SteerRule(
              kind,
              reads ? Optional.of(tensors.read()) : Optional.empty(),
              reads ? Optional.of(tensors.bias()) : Optional.empty(),
              reads ? Optional.of(tensors.write()) : Optional.empty(),
              shifts ? Optional.of(tensors.constant()) : Optional.empty(),
              shifts ? 0 : STRENGTH));
    }
    Optional<SteerCondition> condition =
        conditional
            ? Optional.of(new SteerCondition(tensors.read(), tensors.bias(), 1.5f))
            : Optional.empty();
    return side.backend().steerKernel(size.width(), rules, condition);
  }

  private void steer(
      Side side, Outcome outcome, SteerKernel kernel, TensorView x, TensorView selection) {
    TensorView y = side.allocate(x.dtype(), x.shape().extents());
    long stride = x.rowElements() * x.dtype().bytes();
    try (HostTensor counters = HostTensor.allocate(DType.I64, SteerKernel.COUNTERS)) {
      kernel.apply(
          x.address(),
          stride,
          y.address(),
          stride,
          x.rows(),
          x.dtype(),
          selection.address(),
          counters.view().address());
      for (int i = 0; i < SteerKernel.COUNTERS; i++) {
        outcome.add("counter " + i, HostMemory.getLong(counters.view().address() + 8L * i));
      }
    }
    outcome.add("steered rows", y);
  }
}
