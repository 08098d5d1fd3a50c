package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.model.MeasureRequest;
import dev.coxswain.model.Measurement;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * How strongly the features may be held up, and what the plain word vector and random features do
 * at the same KL.
 */
final class TuneStrength implements Step {
  static final double KL_BUDGET = 0.3;
  private static final long SEED = 1;

  private final Workshop shop;
  private double nllPlain;

  TuneStrength(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "tune";
  }

  @Override
  public String title() {
    return "tuning the strength to its damage";
  }

  @Override
  public Map<String, Object> settings() {
    DemoSize size = shop.size();
    return Map.of(
        "kl_budget", KL_BUDGET,
        "documents", size.measureDocuments(),
        "tokens", size.measureTokens(),
        "random_sets", size.randomSets(),
        "seed", SEED);
  }

  @Override
  public List<Path> outputs() {
    return List.of(shop.folder().plan());
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    Subject own = Subject.features(integers(figures, "features"));
    Subject vector =
        Subject.wordVector(
            shop.folder().vocabulary().getFileName().toString(), figures.get("word_row").asLong());
    List<Subject> yardsticks = new ArrayList<>(List.of(vector));
    List<List<Integer>> randomSets = randomSets(figures);
    for (int set = 0; set < randomSets.size(); set++) {
      yardsticks.add(Subject.randomFeatures(set, randomSets.get(set)));
    }
    Tuning tuning = new Tuning(bench(figures, listener));
    Measured kept = tuning.withinBudget(own, KL_BUDGET);
    List<Measured> others = tuning.atTheSameKl(yardsticks, kept);
    tuning.around(own, kept);
    tuning.around(vector, others.get(0));
    AtomicFile.writeString(shop.folder().plan(), own.plan(kept.strength()).toJson() + "\n");
    ObjectNode result =
        JsonNodeFactory.instance
            .objectNode()
            .put("strength_relative", kept.strength())
            .put("effect_nats", kept.effect())
            .put("effect_random_features_nats", meanEffect(others.subList(1, others.size())))
            .put("effect_word_vector_nats", others.get(0).effect())
            .put("kl", kept.kl())
            .put("kl_budget", KL_BUDGET)
            .put("nll_plain", nllPlain)
            .put("nll_steered", kept.nll());
    result.put("word_vector_strength_relative", others.get(0).strength());
    ArrayNode random = result.putArray("random_features");
    randomSets.get(0).forEach(random::add);
    result.put("random_features_strength_relative", others.get(1).strength());
    result.set("tuning", tuning.table());
    return result;
  }

  private static double meanEffect(List<Measured> measured) {
    return measured.stream().mapToDouble(Measured::effect).average().orElse(0);
  }

  private Tuning.Bench bench(ObjectNode figures, Listener listener) {
    List<MeasureRequest.Passage> passages = new ArrayList<>();
    Corpus.read(shop.corpus())
        .unread(
            shop.size().measureDocuments(),
            shop.size().measureTokens(),
            figures.get("documents").asLong())
        .forEach(text -> passages.add(new MeasureRequest.Text(text)));
    List<String> words = strings(figures, "words");
    return trials -> {
      MeasureRequest request =
          new MeasureRequest(
              Workshop.LAYER,
              passages,
              trials.stream()
                  .map(trial -> shop.steering(trial.subject().plan(trial.strength())))
                  .toList(),
              words,
              shop.model().info().context());
      Measurement measurement =
          shop.model()
              .measure(
                  request,
                  share ->
                      listener.progress(
                          Math.round(share * passages.size()),
                          passages.size(),
                          "texts",
                          trials.size() + " settings"));
      nllPlain = measurement.nllPlain();
      List<Measured> measured = new ArrayList<>();
      for (int i = 0; i < trials.size(); i++) {
        Measurement.Run run = measurement.runs().get(i);
        measured.add(new Measured(trials.get(i).strength(), run.effect(), run.kl(), run.nll()));
      }
      return measured;
    };
  }

  /** Features by chance, none of which is the word's. */
  private List<List<Integer>> randomSets(ObjectNode figures) {
    List<Integer> own = integers(figures, "features");
    SplittableRandom random = new SplittableRandom(SEED);
    List<List<Integer>> sets = new ArrayList<>();
    for (int set = 0; set < shop.size().randomSets(); set++) {
      sets.add(
          random
              .ints(0, figures.get("n_features").asInt())
              .distinct()
              .filter(feature -> !own.contains(feature))
              .limit(own.size())
              .boxed()
              .toList());
    }
    return sets;
  }

  static List<Integer> integers(ObjectNode figures, String name) {
    List<Integer> values = new ArrayList<>();
    figures.get(name).forEach(value -> values.add(value.asInt()));
    return values;
  }

  static List<String> strings(ObjectNode figures, String name) {
    List<String> values = new ArrayList<>();
    figures.get(name).forEach(value -> values.add(value.asText()));
    return values;
  }

  @Override
  public String result(ObjectNode own) {
    return String.format(
        Locale.ROOT,
        "%+.2f nats at KL %.2f (word vector %+.2f, random features %+.2f)",
        own.path("effect_nats").asDouble(),
        own.path("kl").asDouble(),
        own.path("effect_word_vector_nats").asDouble(),
        own.path("effect_random_features_nats").asDouble());
  }
}
