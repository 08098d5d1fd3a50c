package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.train.HoldOut;
import dev.coxswain.train.MarkedRows;
import dev.coxswain.train.TrainFigures;
import dev.coxswain.train.TrainOptions;
import dev.coxswain.train.TrainProgress;
import dev.coxswain.train.TrainResult;
import dev.coxswain.train.Trainer;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A Top-K autoencoder learns the hidden states of most documents. */
final class TrainAutoencoder implements Step {
  static final HoldOut HOLD_OUT = new HoldOut(0.15);

  /** A short run has no rows to spare for features that nothing uses. */
  private static final long DEAD_AFTER_STEPS = 12;

  private static final long SEED = 1;

  private final Workshop shop;

  TrainAutoencoder(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "train";
  }

  @Override
  public String title() {
    return "training the sparse autoencoder";
  }

  @Override
  public Map<String, Object> settings() {
    DemoSize size = shop.size();
    return Map.of(
        "features", size.features(),
        "k", size.k(),
        "steps", size.steps(),
        "batch", size.batchRows(),
        "hold_out", HOLD_OUT.fraction(),
        "dead_after_steps", DEAD_AFTER_STEPS,
        "seed", SEED);
  }

  @Override
  public List<Path> outputs() {
    return List.of(shop.folder().sae().resolve("cfg.json"), shop.folder().metrics());
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    shop.folder().clearSae();
    List<String> in = List.of(shop.folder().harvest().toString());
    try (MarkedRows rows = MarkedRows.open(in, HOLD_OUT, MarkedRows.Side.TRAINING)) {
      TrainOptions options =
          TrainOptions.builder(rows.width())
              .features(shop.size().features())
              .k(shop.size().k())
              .steps(shop.size().steps())
              .batchRows(shop.size().batchRows())
              .seed(SEED)
              .holdOut(HOLD_OUT)
              .deadAfter(DEAD_AFTER_STEPS * shop.size().batchRows())
              .build();
      TrainResult result =
          new Trainer(shop.backend(), rows, options, shop.folder().sae())
              .metrics(shop.folder().metrics())
              .progress(heard(listener))
              .run();
      return JsonNodeFactory.instance
          .objectNode()
          .put("d_model", rows.width())
          .put("n_features", options.features())
          .put("k", options.k())
          .put("steps", options.steps())
          .put("train_rows_per_s", result.rowsPerSecond())
          .put("train_device", shop.backend().name());
    }
  }

  private static TrainProgress heard(Listener listener) {
    return new TrainProgress() {
      @Override
      public void step(TrainFigures figures, long steps) {
        listener.progress(
            figures.step(),
            steps,
            "steps",
            String.format(Locale.ROOT, "not explained %.3f", figures.fvu()));
      }
    };
  }

  @Override
  public String result(ObjectNode own) {
    return String.format(
        Locale.ROOT,
        "%,d features, %,.0f rows/s on %s",
        own.path("n_features").asLong(),
        own.path("train_rows_per_s").asDouble(),
        own.path("train_device").asText());
  }
}
