package dev.coxswain.gpucheck;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.DeviceProbe;
import dev.coxswain.backend.Encoder;
import dev.coxswain.backend.ExplainOptions;
import dev.coxswain.backend.ExplainShard;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.backend.TrainState;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;

/**
 * The second half of a check: each operation's time beside what the card allows. Weights are read
 * at least once: at one byte each where few rows are encoded (the int8 screen), at two where many
 * are (bfloat16), at four elsewhere.
 */
final class Speed {
  /** Up to so many rows an encode is bound by its weights. */
  private static final int FEW_ROWS = 16;

  private final CheckSize size;
  private final Side side;
  private final DeviceProbe probe;
  private final Stopwatch stopwatch;
  private final Consumer<SpeedResult> listener;
  private final long seed;
  private final List<SpeedResult> results = new ArrayList<>();

  private Speed(
      CheckSize size,
      Side side,
      DeviceProbe probe,
      Card card,
      long seed,
      Consumer<SpeedResult> listener) {
    this.size = size;
    this.side = side;
    this.probe = probe;
    this.stopwatch = new Stopwatch(probe, card);
    this.seed = seed;
    this.listener = listener;
  }

  /**
   * @param listener hears each result as it comes
   */
  static List<SpeedResult> run(
      CheckSize size,
      Backend backend,
      DeviceProbe probe,
      Card card,
      long seed,
      Consumer<SpeedResult> listener) {
    try (Side side = new Side(backend)) {
      Speed speed = new Speed(size, side, probe, card, seed, listener);
      speed.codec();
      speed.steer();
      speed.explain();
      speed.train();
      return List.copyOf(speed.results);
    }
  }

  private void time(
      String operation, String name, Limit limit, OptionalDouble cublas, Runnable work) {
    SpeedResult result = stopwatch.time(operation, name, limit, cublas, work);
    results.add(result);
    listener.accept(result);
  }

  private static String name(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private void codec() {
    try (CodecParity codec = new CodecParity(size, seed)) {
      for (int rows : new int[] {1, FEW_ROWS, 256, 4096}) {
        encodeAndDecode(codec, rows);
        side.endCase();
      }
      codec.tensors().forEach(side::forget);
    }
  }

  private void encodeAndDecode(CodecParity codec, int rows) {
    double weights = (double) size.features() * size.width();
    Encoder encoder = codec.encoder(side, Activation.TOP_K, Normalization.NONE);
    SparseRows active = side.allocateActive(rows, size.k());
    TensorView x = rows(DType.BF16, rows);
    double rowBytes = 2.0 * rows * size.width();
    Limit limit =
        rows <= FEW_ROWS
            ? Limit.of(weights + rowBytes, 0, 0)
            : Limit.of(2 * weights + rowBytes, 2 * rows * weights, 0);
    time(
        "encode",
        name("F %d, n %d, BF16", size.features(), rows),
        limit,
        product(rows),
        () -> side.backend().encode(encoder, x, active));
    for (String path : probe.encodePaths()) {
      time(
          "encode",
          name("F %d, n %d, BF16, by %s", size.features(), rows, path),
          limit,
          OptionalDouble.empty(),
          () -> probe.encode(path, encoder, x, active));
    }

    double gathered = Math.min((double) rows * size.k(), size.features()) * size.width();
    time(
        "decode",
        name("k %d, n %d, BF16", size.k(), rows),
        Limit.of(4 * gathered + rowBytes, 0, 0),
        OptionalDouble.empty(),
        () -> side.backend().decode(codec.decoder(side, Normalization.NONE), active, x));
  }

  /** cuBLAS' product of an encode's shape in bfloat16, without anything selected from it. */
  private OptionalDouble product(int rows) {
    long bytes = 2L * (size.features() + rows) * size.width() + 4L * rows * size.features();
    return probe.productsUnusable().isPresent() || bytes > probe.freeBytes() / 2
        ? OptionalDouble.empty()
        : OptionalDouble.of(probe.productSeconds(DType.BF16, size.features(), rows, size.width()));
  }

  private TensorView rows(DType dtype, int rows) {
    try (HostTensor x = new Draw(seed + rows).rows(dtype, rows, size.width())) {
      return side.copy(x);
    }
  }

  private TensorView floats(float range, long... extents) {
    try (HostTensor tensor = new Draw(seed + extents[0]).floats(range, extents)) {
      return side.copy(tensor);
    }
  }

  private void steer() {
    for (int features : new int[] {16, 64, 1024}) {
      for (int rows : new int[] {1, 64}) {
        steer(features, rows);
        side.endCase();
      }
    }
  }

  private void steer(int features, int rows) {
    float range = (float) (1 / Math.sqrt(size.width()));
    SteerRule rule =
        new SteerRule(
            SteerRule.Kind.AMPLIFY,
            Optional.of(floats(range, features, size.width())),
            Optional.of(floats(0.5f, features)),
            Optional.of(floats(range, features, size.width())),
            Optional.empty(),
            1);
    TensorView x = rows(DType.BF16, rows);
    TensorView y = side.allocate(DType.BF16, rows, size.width());
    long stride = 2L * size.width();
    double products = 4.0 * rows * features * size.width();
    try (SteerKernel kernel =
        side.backend().steerKernel(size.width(), List.of(rule), Optional.empty())) {
      time(
          "steer",
          name("d %d, m %d, n %d, BF16", size.width(), features, rows),
          Limit.of(8.0 * features * size.width() + 2.0 * rows * stride, 0, products),
          OptionalDouble.empty(),
          () -> kernel.apply(x.address(), stride, y.address(), stride, rows, DType.BF16, 0, 0));
    }
  }

  private void explain() {
    float range = (float) Math.sqrt(3.0 / size.width());
    TensorView features = floats(range, size.explained(), size.width());
    TensorView words = floats(20 * range, size.words(), size.width());
    ExplainShard shard =
        new ExplainShard(features, words, side.explainLogits(size.explained(), size.words()));
    ExplainOptions options =
        new ExplainOptions(ExplainOptions.Objective.MI, 1, 1, size.explained());
    TensorView statistics = side.allocate(DType.F64, size.explained());
    TensorView columns = ExplainParity.columns(side, size.words());
    ExplainWords best = ExplainParity.allocateBest(side, size.explained());
    double bytes = 4.0 * (size.explained() + size.words()) * size.width();
    double products = 2.0 * size.explained() * size.words() * size.width();
    time(
        "explain",
        name("d %d, F %d, V %d", size.width(), size.explained(), size.words()),
        Limit.of(bytes, 0, products),
        OptionalDouble.empty(),
        () -> {
          side.backend().explainStatistics(shard, options, statistics, columns);
          side.backend().explainTop(shard, options, statistics, columns, best);
        });
    side.endCase();
  }

  private void train() {
    int rows = 4096;
    float range = (float) Math.sqrt(3.0 / size.width());
    try (HostTensor w = new Draw(seed).floats(range, size.trained(), size.width());
        HostTensor bDec = new Draw(seed).floats(0.1f, size.width());
        HostTensor since = HostTensor.allocate(DType.I64, size.trained())) {
      TrainState state = TrainParity.state(side, w, bDec, since);
      TensorView x = floats(1, rows, size.width());
      double weights = (double) size.trained() * size.width();
      double parameters = TrainState.parameters(size.trained(), size.width());
      long[] step = {0};
      time(
          "train",
          name("d %d, F %d, k %d, n %d", size.width(), size.trained(), size.k(), rows),
          Limit.of(2 * weights, 2 * rows * weights, 0).then(28 * parameters, 0, 0),
          OptionalDouble.empty(),
          () ->
              side.backend()
                  .trainStep(state, TrainParity.step(size.k(), size.width(), ++step[0]), x));
      side.endCase();
    }
  }
}
