package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.explain.Explanation;
import dev.coxswain.explain.ExplanationEvaluation;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Whether the words stand where the features fire, beside words drawn by chance. */
final class MeasureLift implements Step {
  private static final int MIN_COUNT = 8;
  private static final long SEED = 1;

  private final Workshop shop;

  MeasureLift(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "lift";
  }

  @Override
  public String title() {
    return "checking the words against the text";
  }

  @Override
  public Map<String, Object> settings() {
    return Map.of("min_count", MIN_COUNT, "seed", SEED);
  }

  @Override
  public List<Path> outputs() {
    return List.of();
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    long rows = shop.harvest().rows();
    ExplanationEvaluation evaluation =
        ExplanationEvaluation.run(
            shop.backend(),
            shop.sae(),
            Explanation.readAll(shop.folder().explanations()),
            shop.harvest(),
            MIN_COUNT,
            SEED,
            done -> listener.progress(done, rows, "rows", ""));
    return JsonNodeFactory.instance
        .objectNode()
        .put("lift_median", evaluation.liftMedian().orElse(0))
        .put("lift_random_words", evaluation.liftRandomWords().orElse(0));
  }

  @Override
  public String result(ObjectNode own) {
    return String.format(
        Locale.ROOT,
        "%.1f times as often near as anywhere (random words %.1f)",
        own.path("lift_median").asDouble(),
        own.path("lift_random_words").asDouble());
  }
}
