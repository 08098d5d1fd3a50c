package dev.coxswain.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * What plans do to a model's predictions, means over the tokens measured.
 *
 * @param tokens measured
 * @param nllPlain negative log-likelihood a token of the plain model, nats
 * @param runs a plan each, in the order asked
 */
public record Measurement(long tokens, double nllPlain, List<Run> runs) {
  public Measurement {
    runs = List.copyOf(runs);
  }

  /**
   * One plan.
   *
   * @param kl KL(plain ‖ steered) a token, nats
   * @param nll negative log-likelihood a token, nats
   * @param wordShift change of each word's log-probability, nats
   * @param steeredRows rows the plan changed
   */
  public record Run(double kl, double nll, List<Double> wordShift, long steeredRows) {
    public Run {
      wordShift = List.copyOf(wordShift);
    }

    /** Mean change of the words' log-probability; 0 without words. */
    public double effect() {
      return wordShift.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    }
  }

  static Measurement of(JsonNode node) {
    List<Run> runs = new ArrayList<>();
    for (JsonNode run : node.get("runs")) {
      List<Double> shift = new ArrayList<>();
      run.get("wordShift").forEach(value -> shift.add(value.asDouble()));
      runs.add(
          new Run(
              run.get("kl").asDouble(),
              run.get("nll").asDouble(),
              shift,
              run.get("steeredRows").asLong()));
    }
    return new Measurement(node.get("tokens").asLong(), node.get("nllPlain").asDouble(), runs);
  }
}
