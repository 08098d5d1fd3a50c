package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.io.JsonLines;
import dev.coxswain.model.Continuation;
import dev.coxswain.model.GenerateRequest;
import dev.coxswain.model.Steering;
import dev.coxswain.steer.Plan;
import dev.coxswain.steer.PlanRule;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The same prompts continued by the plain model and under each rule, all from the same seed, with
 * the features' activation under each token as the plain model reads the finished text.
 */
final class WriteTexts implements Step {
  private static final long SEED = 1;
  private static final float AMPLIFY = 2;

  private final Workshop shop;

  WriteTexts(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "generate";
  }

  @Override
  public String title() {
    return "writing, plain and steered";
  }

  @Override
  public Map<String, Object> settings() {
    return Map.of(
        "prompts",
        prompts(shop.options().word()),
        "tokens",
        shop.size().generateTokens(),
        "amplify",
        AMPLIFY,
        "seed",
        SEED);
  }

  @Override
  public List<Path> outputs() {
    return List.of(shop.folder().generations());
  }

  /** Two that have nothing to do with the word, and one about it, for what takes it out. */
  private static List<String> prompts(String word) {
    return List.of(
        "Write a short story about a trip.",
        "Write a letter to a friend about last week.",
        "Tell me something about " + word + ".");
  }

  private Map<String, Optional<Plan>> plans(ObjectNode figures) {
    List<Integer> features = TuneStrength.integers(figures, "features");
    float strength = (float) figures.get("strength_relative").asDouble();
    Map<String, Optional<Plan>> plans = new LinkedHashMap<>();
    plans.put("plain", Optional.empty());
    plans.put("calibrate", Optional.of(Plan.read(shop.folder().plan())));
    plans.put("amplify", Optional.of(Plan.of(new PlanRule.Amplify(features, AMPLIFY))));
    plans.put("remove", Optional.of(Plan.of(new PlanRule.Amplify(features, -1))));
    plans.put(
        "word_vector",
        Optional.of(
            Subject.wordVector(
                    shop.folder().vocabulary().getFileName().toString(),
                    figures.get("word_row").asLong())
                .plan(figures.get("word_vector_strength_relative").asDouble())));
    List<Integer> random = TuneStrength.integers(figures, "random_features");
    plans.put(
        "random_features",
        Optional.of(
            Subject.randomFeatures(0, random)
                .plan(figures.get("random_features_strength_relative").asDouble())));
    return plans;
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    List<String> prompts = prompts(shop.options().word());
    Map<String, Optional<Plan>> plans = plans(figures);
    List<Optional<Steering>> runs =
        plans.values().stream().map(plan -> plan.map(shop::steering)).toList();
    int[] pieces = {0};
    int most = prompts.size() * runs.size() * shop.size().generateTokens();
    List<List<Continuation>> written =
        shop.model()
            .generate(
                GenerateRequest.of(prompts, runs, Workshop.LAYER, shop.size().generateTokens())
                    .withSampling(GenerateRequest.Sampling.DEFAULT.withSeed(SEED)),
                (prompt, run, text) -> listener.progress(++pieces[0], most, "tokens", ""));
    write(prompts, List.copyOf(plans.keySet()), written, figures);
    return speed(written);
  }

  private void write(
      List<String> prompts,
      List<String> kinds,
      List<List<Continuation>> written,
      ObjectNode figures) {
    try (JsonLines.Writer lines = JsonLines.create(shop.folder().generations())) {
      for (int p = 0; p < prompts.size(); p++) {
        for (int r = 0; r < kinds.size(); r++) {
          Continuation made = written.get(p).get(r);
          ObjectNode line =
              JsonNodeFactory.instance
                  .objectNode()
                  .put("prompt", prompts.get(p))
                  .put("kind", kinds.get(r))
                  .put("seed", SEED)
                  .put("text", made.text())
                  .put("finish", made.finish());
          putActivations(line, made.text(), TuneStrength.integers(figures, "features"));
          lines.write(line);
        }
      }
      lines.commit();
    }
  }

  /** The strongest of the features under every token, as the plain model reads the text. */
  private void putActivations(ObjectNode line, String text, List<Integer> features) {
    ArrayNode tokens = line.putArray("tokens");
    ArrayNode activations = line.putArray("activations");
    if (text.isEmpty()) {
      return;
    }
    Continuation read =
        shop.model()
            .generate(
                GenerateRequest.of(List.of(text), List.of(Optional.empty()), Workshop.LAYER, 1)
                    .withRaw(true)
                    .withActivations(
                        new GenerateRequest.Activations(
                            shop.folder().sae(), features, GenerateRequest.Moment.BEFORE_PLAN)),
                (prompt, run, piece) -> {})
            .get(0)
            .get(0);
    for (int t = 0; t < read.promptTokens(); t++) {
      float strongest = 0;
      for (float activation : read.activations().get(t)) {
        strongest = Math.max(strongest, activation);
      }
      tokens.add(read.pieces().get(t));
      // Position 0 holds the model's massive activation, not a word.
      activations.add(t == 0 ? 0 : strongest);
    }
  }

  private static ObjectNode speed(List<List<Continuation>> written) {
    double plainSeconds = 0;
    double steeredSeconds = 0;
    double hookSeconds = 0;
    long plainTokens = 0;
    long steeredTokens = 0;
    for (List<Continuation> runs : written) {
      plainSeconds += runs.get(0).seconds();
      plainTokens += runs.get(0).generatedTokens();
      steeredSeconds += runs.get(1).seconds();
      steeredTokens += runs.get(1).generatedTokens();
      hookSeconds += runs.get(1).hookSeconds();
    }
    return JsonNodeFactory.instance
        .objectNode()
        .put("steer_share_of_token_time", hookSeconds / steeredSeconds)
        .put("plain_tokens_per_s", plainTokens / plainSeconds)
        .put("steered_tokens_per_s", steeredTokens / steeredSeconds);
  }

  @Override
  public String result(ObjectNode own) {
    return String.format(
        Locale.ROOT,
        "steering takes %.1f %% of a token's time",
        100 * own.path("steer_share_of_token_time").asDouble());
  }
}
