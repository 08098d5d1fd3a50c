package dev.coxswain.model;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.steer.Plan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Finds how much stronger or weaker all rules of a plan may be for a KL budget. Trials are measured
 * in rounds, because the plain model is evaluated once a round: the first spans the neighbourhood,
 * the others close in on the budget between the neighbours that enclose it.
 */
public final class Tuner {
  private static final double[] FIRST_ROUND = {0.5, 1, 2};
  private static final int MOST_ROUNDS = 8;
  private static final double STRIDE = 4;
  private static final double MOST = 1 << 12;

  /** The budget is met when this share of it is used. */
  private static final double NEAR = 0.94;

  private final LlamaProcess model;
  private final int layer;
  private final Path sae;
  private final Path base;
  private final List<MeasureRequest.Passage> passages;
  private final List<String> words;

  /**
   * @param base where relative file names of the plan start
   * @param passages to measure on
   * @param words whose log-probability is the effect; may be empty
   */
  public Tuner(
      LlamaProcess model,
      int layer,
      Path sae,
      Path base,
      List<MeasureRequest.Passage> passages,
      List<String> words) {
    this.model = model;
    this.layer = layer;
    this.sae = sae;
    this.base = base;
    this.passages = List.copyOf(passages);
    this.words = List.copyOf(words);
  }

  /**
   * One strength.
   *
   * @param factor of the strengths as the plan has them
   * @param kl a token, nats
   * @param nll a token, nats
   * @param effect mean change of the words' log-probability, nats
   * @param steeredRows rows the plan changed
   */
  public record Trial(double factor, double kl, double nll, double effect, long steeredRows) {}

  /**
   * What came out.
   *
   * @param plan with its strengths tuned
   * @param trials in ascending order of strength
   */
  public record Outcome(Plan plan, Trial chosen, List<Trial> trials, double nllPlain, long tokens) {
    public Outcome {
      trials = List.copyOf(trials);
    }
  }

  /**
   * @param maxKl the budget, a token, in nats
   * @param each hears every trial as it is measured
   * @throws InvalidDataException where no strength stays within the budget, or none reaches it
   *     because the plan changes nothing
   */
  public Outcome tune(Plan plan, double maxKl, Consumer<Trial> each) {
    List<Trial> trials = new ArrayList<>();
    List<Double> next = new ArrayList<>();
    for (double factor : FIRST_ROUND) {
      next.add(factor);
    }
    Measurement measured = null;
    for (int round = 0; round < MOST_ROUNDS && !next.isEmpty(); round++) {
      measured = measure(plan, next, trials, each);
      trials.sort(Comparator.comparingDouble(Trial::factor));
      next = proposals(trials, maxKl);
    }
    Trial chosen = best(trials, maxKl).orElseThrow(() -> tooStrong(trials, maxKl));
    if (trials.stream().allMatch(trial -> trial.kl() == 0)) {
      throw new InvalidDataException(
          "the plan changes nothing on these prompts: its features never fire there");
    }
    return new Outcome(
        PlanScale.scale(plan, chosen.factor()),
        chosen,
        trials,
        measured.nllPlain(),
        measured.tokens());
  }

  private static InvalidDataException tooStrong(List<Trial> trials, double maxKl) {
    Trial weakest = trials.get(0);
    return new InvalidDataException(
        String.format(
            java.util.Locale.ROOT,
            "no strength stays within KL %.3g: %.3g times the plan's still gives %.3g",
            maxKl,
            weakest.factor(),
            weakest.kl()));
  }

  private Measurement measure(
      Plan plan, List<Double> factors, List<Trial> trials, Consumer<Trial> each) {
    List<Steering> plans =
        factors.stream()
            .map(factor -> new Steering(sae, PlanScale.scale(plan, factor).toJson(), base))
            .toList();
    Measurement measured =
        model.measure(
            new MeasureRequest(layer, passages, plans, words, model.info().context()), share -> {});
    for (int i = 0; i < factors.size(); i++) {
      Measurement.Run run = measured.runs().get(i);
      Trial trial = new Trial(factors.get(i), run.kl(), run.nll(), run.effect(), run.steeredRows());
      trials.add(trial);
      each.accept(trial);
    }
    return measured;
  }

  /** The strongest trial within the budget. */
  private static Optional<Trial> best(List<Trial> trials, double maxKl) {
    return trials.stream()
        .filter(trial -> trial.kl() <= maxKl)
        .max(Comparator.comparingDouble(Trial::factor));
  }

  /** Strengths to try next; none once the budget is used, or cannot be. */
  static List<Double> proposals(List<Trial> sorted, double maxKl) {
    Optional<Trial> below = best(sorted, maxKl);
    Optional<Trial> above =
        sorted.stream()
            .filter(trial -> trial.kl() > maxKl)
            .filter(trial -> below.isEmpty() || trial.factor() > below.get().factor())
            .findFirst();
    if (below.isEmpty()) {
      double weakest = sorted.get(0).factor();
      return weakest < 1 / MOST ? List.of() : List.of(weakest / STRIDE, weakest / STRIDE / STRIDE);
    }
    if (below.get().kl() >= NEAR * maxKl) {
      return List.of();
    }
    if (above.isEmpty()) {
      double strongest = below.get().factor();
      return strongest > MOST
          ? List.of()
          : List.of(strongest * STRIDE, strongest * STRIDE * STRIDE);
    }
    return between(below.get(), above.get(), maxKl);
  }

  /** KL grows like a power of the strength: a straight line through the logarithms of both. */
  private static List<Double> between(Trial below, Trial above, double maxKl) {
    double from = Math.log(below.factor());
    double to = Math.log(above.factor());
    double low = Math.log(Math.max(below.kl(), 1e-9));
    double high = Math.log(above.kl());
    double wanted = Math.log(maxKl * (1 + NEAR) / 2);
    double share = Math.min(0.9, Math.max(0.1, (wanted - low) / (high - low)));
    double guess = from + share * (to - from);
    // A second trial halfway to the weaker neighbour keeps a curved law from stalling the search.
    return List.of(Math.exp((from + guess) / 2), Math.exp(guess));
  }
}
