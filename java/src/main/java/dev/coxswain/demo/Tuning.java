package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.coxswain.error.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Finds the strongest setting of the word's features within the KL budget, then each yardstick's
 * effect at the KL that setting has, and measures a few strengths around them for the curve. Trials
 * are measured in rounds, since one pass of the plain model serves all trials of a round.
 */
final class Tuning {
  private static final double FIRST = 0.25;
  private static final double[] CURVE = {0.4, 0.7, 1.25};

  /** A subject at a strength. */
  record Trial(Subject subject, double strength) {}

  /** Measures trials, in order, on text that nothing else was done with. */
  interface Bench {
    List<Measured> measure(List<Trial> trials);
  }

  /** A search and what it is about. */
  private record Searching(Subject subject, StrengthSearch search) {}

  private final Bench bench;
  private final List<Trial> trials = new ArrayList<>();
  private final List<Measured> results = new ArrayList<>();

  Tuning(Bench bench) {
    this.bench = bench;
  }

  /**
   * @throws InvalidDataException where no strength stays within the budget
   */
  Measured withinBudget(Subject subject, double budget) {
    Searching searching =
        new Searching(subject, new StrengthSearch(StrengthSearch.Goal.WITHIN, budget, FIRST));
    search(List.of(searching));
    return searching
        .search
        .chosen()
        .orElseThrow(
            () ->
                new InvalidDataException(
                    "no strength of these features stays within KL "
                        + budget
                        + "; try another word, or all steps anew with --fresh"));
  }

  /** Each subject at the KL of {@code chosen}, in order. */
  List<Measured> atTheSameKl(List<Subject> subjects, Measured chosen) {
    List<Searching> searches =
        subjects.stream()
            .map(
                subject ->
                    new Searching(
                        subject,
                        new StrengthSearch(
                            StrengthSearch.Goal.EQUAL, chosen.kl(), chosen.strength())))
            .toList();
    search(searches);
    return searches.stream().map(searching -> searching.search.chosen().orElseThrow()).toList();
  }

  /** Measures weaker and stronger settings than the one kept, to draw a curve through. */
  void around(Subject subject, Measured kept) {
    List<Trial> more = new ArrayList<>();
    for (double share : CURVE) {
      more.add(new Trial(subject, share * kept.strength()));
    }
    measure(more);
  }

  private void search(List<Searching> searches) {
    for (List<Searching> open = open(searches); !open.isEmpty(); open = open(searches)) {
      List<Trial> round = new ArrayList<>();
      for (Searching searching : open) {
        OptionalDouble strength = searching.search.next();
        round.add(new Trial(searching.subject, strength.orElseThrow()));
      }
      List<Measured> measured = measure(round);
      for (int i = 0; i < measured.size(); i++) {
        open.get(i).search.add(measured.get(i));
      }
    }
  }

  private static List<Searching> open(List<Searching> searches) {
    return searches.stream().filter(s -> s.search.next().isPresent()).toList();
  }

  private List<Measured> measure(List<Trial> round) {
    List<Measured> measured = bench.measure(round);
    trials.addAll(round);
    results.addAll(measured);
    return measured;
  }

  /** Everything measured, as summary.json's {@code tuning}. */
  ArrayNode table() {
    ArrayNode table = JsonNodeFactory.instance.arrayNode();
    for (int i = 0; i < trials.size(); i++) {
      table.add(trials.get(i).subject().row(results.get(i)));
    }
    return table;
  }
}
