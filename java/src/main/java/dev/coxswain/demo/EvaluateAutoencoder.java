package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.train.Evaluation;
import dev.coxswain.train.Evaluator;
import dev.coxswain.train.MarkedRows;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How well the autoencoder does on the documents that it did not learn from. */
final class EvaluateAutoencoder implements Step {
  private final Workshop shop;

  EvaluateAutoencoder(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "evaluate";
  }

  @Override
  public String title() {
    return "checking it on documents it has not seen";
  }

  @Override
  public Map<String, Object> settings() {
    return Map.of();
  }

  @Override
  public List<Path> outputs() {
    return List.of();
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    List<String> in = List.of(shop.folder().harvest().toString());
    try (MarkedRows rows =
            MarkedRows.open(in, TrainAutoencoder.HOLD_OUT, MarkedRows.Side.HELD_OUT);
        PlacedAutoencoder placed = PlacedAutoencoder.place(shop.backend(), shop.sae())) {
      Evaluation evaluation =
          Evaluator.evaluate(
              shop.backend(),
              placed,
              rows,
              done -> listener.progress(done, rows.rows(), "rows", ""));
      return JsonNodeFactory.instance
          .objectNode()
          .put("fvu", evaluation.fvu())
          .put("l0", evaluation.l0())
          .put("dead_fraction", evaluation.deadFraction())
          .put("held_out_tokens", evaluation.rows().usable());
    }
  }

  @Override
  public String result(ObjectNode own) {
    return String.format(
        Locale.ROOT,
        "%.1f %% of the variance not explained, %.1f features a token",
        100 * own.path("fvu").asDouble(),
        own.path("l0").asDouble());
  }
}
