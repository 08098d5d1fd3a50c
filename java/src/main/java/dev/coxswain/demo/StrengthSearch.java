package dev.coxswain.demo;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Finds the strength whose KL is a given one. KL grows about as the square of the strength, so a
 * secant through the logarithms of the last two trials is there in two or three. It proposes; the
 * caller measures, which lets several searches share one pass over the text.
 */
final class StrengthSearch {
  private static final int MOST_TRIALS = 7;
  private static final double LEAST_SLOPE = 1;
  private static final double MOST_SLOPE = 4;

  /** At most this factor from one trial to the next: the law is local. */
  private static final double MOST_STRIDE = 2.5;

  private final Goal goal;
  private final double kl;
  private final List<Measured> trials = new ArrayList<>();
  private double next;

  /** Which strength is wanted. */
  enum Goal {
    /** The strongest whose KL is not above the given one; 6 % below it is near enough. */
    WITHIN(0.94, 1),
    /** The one whose KL is the given one within 4 %. */
    EQUAL(0.96, 1.04);

    private final double least;
    private final double most;

    Goal(double least, double most) {
      this.least = least;
      this.most = most;
    }
  }

  StrengthSearch(Goal goal, double kl, double first) {
    this.goal = goal;
    this.kl = kl;
    this.next = first;
  }

  /** The strength to try, or nothing when the search has ended. */
  OptionalDouble next() {
    return trials.size() == MOST_TRIALS || trials.stream().anyMatch(this::near)
        ? OptionalDouble.empty()
        : OptionalDouble.of(next);
  }

  void add(Measured trial) {
    trials.add(trial);
    double middle = kl * (goal.least + goal.most) / 2;
    double slope = slope();
    double stride = Math.pow(middle / Math.max(trial.kl(), 1e-6), 1 / slope);
    next = trial.strength() * Math.max(1 / MOST_STRIDE, Math.min(MOST_STRIDE, stride));
  }

  private double slope() {
    if (trials.size() < 2) {
      return 2;
    }
    Measured a = trials.get(trials.size() - 2);
    Measured b = trials.get(trials.size() - 1);
    double rise = Math.log(Math.max(b.kl(), 1e-6) / Math.max(a.kl(), 1e-6));
    double run = Math.log(b.strength() / a.strength());
    double slope = rise / run;
    return slope >= LEAST_SLOPE && slope <= MOST_SLOPE ? slope : 2;
  }

  private boolean near(Measured trial) {
    return trial.kl() >= kl * goal.least && trial.kl() <= kl * goal.most;
  }

  /** All trials, in the order of their strengths. */
  List<Measured> trials() {
    return trials.stream().sorted(Comparator.comparingDouble(Measured::strength)).toList();
  }

  /** The trial to keep: nothing yet if none is within the budget. */
  java.util.Optional<Measured> chosen() {
    return goal == Goal.WITHIN
        ? trials.stream().filter(t -> t.kl() <= kl).max(Comparator.comparingDouble(Measured::kl))
        : trials.stream().min(Comparator.comparingDouble(t -> Math.abs(Math.log(t.kl() / kl))));
  }
}
