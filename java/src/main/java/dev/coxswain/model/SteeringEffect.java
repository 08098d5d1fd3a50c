package dev.coxswain.model;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.steer.Plan;
import dev.coxswain.steer.PlanRule;
import dev.coxswain.steer.Strength;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * How far steering by a feature moves the log-probability of the words that explain it: the model's
 * own verdict on an explanation. Each feature of a sample is put in by a calibrate rule whose
 * constant has a fixed share of the hidden states' mean norm; random words are the yardstick.
 *
 * @param features measured, evenly spaced among those with words
 * @param effects mean change of each one's words, nats, by feature
 * @param effectMedian of these
 * @param effectRandomWords median of the same for as many words of other features
 * @param klMedian of the features' damage, nats a token
 * @param strengthRelative the share of the mean norm
 */
public record SteeringEffect(
    int features,
    Map<Integer, Double> effects,
    double effectMedian,
    double effectRandomWords,
    double klMedian,
    double strengthRelative) {
  /** Noticeable, and not yet destructive, on the models tried. */
  public static final double STRENGTH = 0.2;

  public SteeringEffect {
    effects = Map.copyOf(effects);
  }

  /**
   * What to measure.
   *
   * @param words each feature's, by feature
   * @param most features to measure
   * @param meanNorm of the hidden states
   * @param seed of the random words
   */
  public record Question(
      int layer,
      Path saePath,
      SparseAutoencoder sae,
      Map<Integer, List<String>> words,
      int most,
      double meanNorm,
      List<MeasureRequest.Passage> passages,
      long seed) {}

  /**
   * @throws InvalidDataException where no feature has a word
   */
  public static SteeringEffect measure(
      LlamaProcess model, Question question, Consumer<Double> progress) {
    List<Integer> features = sample(question);
    Map<Integer, List<String>> random = randomWords(question, features);
    LinkedHashSet<String> all = new LinkedHashSet<>();
    features.forEach(feature -> all.addAll(question.words.get(feature)));
    random.values().forEach(all::addAll);
    List<String> words = List.copyOf(all);
    List<Steering> plans = features.stream().map(feature -> plan(question, feature)).toList();
    Measurement measured =
        model.measure(
            new MeasureRequest(
                question.layer, question.passages, plans, words, model.info().context()),
            progress);
    Map<Integer, Double> own = new TreeMap<>();
    List<Double> yardstick = new ArrayList<>();
    List<Double> kl = new ArrayList<>();
    for (int i = 0; i < features.size(); i++) {
      int feature = features.get(i);
      Measurement.Run run = measured.runs().get(i);
      own.put(feature, mean(run, words, question.words.get(feature)));
      yardstick.add(mean(run, words, random.get(feature)));
      kl.add(run.kl());
    }
    return new SteeringEffect(
        features.size(),
        own,
        median(List.copyOf(own.values())),
        median(yardstick),
        median(kl),
        STRENGTH);
  }

  private static List<Integer> sample(Question question) {
    List<Integer> candidates =
        new TreeMap<>(question.words)
            .entrySet().stream()
                .filter(entry -> !entry.getValue().isEmpty())
                .map(Map.Entry::getKey)
                .toList();
    if (candidates.isEmpty()) {
      throw new InvalidDataException("no feature has a word to measure the steering effect of");
    }
    int count = Math.min(question.most, candidates.size());
    List<Integer> chosen = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      chosen.add(candidates.get((int) ((long) i * candidates.size() / count)));
    }
    return chosen;
  }

  private static Map<Integer, List<String>> randomWords(Question question, List<Integer> features) {
    List<String> pool =
        question.words.values().stream().flatMap(List::stream).distinct().sorted().toList();
    SplittableRandom random = new SplittableRandom(question.seed);
    Map<Integer, List<String>> drawn = new TreeMap<>();
    for (int feature : features) {
      List<String> mine = new ArrayList<>();
      for (int i = 0; i < question.words.get(feature).size(); i++) {
        mine.add(pool.get(random.nextInt(pool.size())));
      }
      drawn.put(feature, mine);
    }
    return drawn;
  }

  private static Steering plan(Question question, int feature) {
    int width = question.sae.width();
    long row = question.sae.wDec().rows(feature, feature + 1).address();
    double square = 0;
    for (int e = 0; e < width; e++) {
      double value = dev.coxswain.tensor.HostMemory.getFloat(row + 4L * e);
      square += value * value;
    }
    double norm = square == 0 ? 1 : Math.sqrt(square);
    float beta = (float) (STRENGTH * question.meanNorm / norm);
    PlanRule rule = new PlanRule.Calibrate(List.of(feature), Strength.raw(beta));
    return new Steering(question.saePath, Plan.of(rule).toJson(), Path.of("."));
  }

  private static double mean(Measurement.Run run, List<String> all, List<String> words) {
    return words.stream()
        .mapToDouble(word -> run.wordShift().get(all.indexOf(word)))
        .average()
        .orElse(0);
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
