package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.steer.Plan;
import dev.coxswain.steer.PlanRule;
import dev.coxswain.steer.Strength;
import java.util.List;

/**
 * What is put into the model's hidden states, at whatever strength: the word's features, or one of
 * the yardsticks.
 *
 * @param method as in the tuning table: features, word_vector or random_features
 * @param set which of several sets of random features; 0 otherwise
 */
record Subject(String method, int set, Rule rule) {
  static final String FEATURES = "features";
  static final String WORD_VECTOR = "word_vector";
  static final String RANDOM_FEATURES = "random_features";

  /** The rule at a relative strength. */
  interface Rule {
    PlanRule at(Strength strength);
  }

  static Subject features(List<Integer> features) {
    return new Subject(FEATURES, 0, strength -> new PlanRule.Calibrate(features, strength));
  }

  static Subject randomFeatures(int set, List<Integer> features) {
    return new Subject(
        RANDOM_FEATURES, set, strength -> new PlanRule.Calibrate(features, strength));
  }

  /**
   * @param file the vocabulary's, relative to the plan's folder
   * @param row of the word in it
   */
  static Subject wordVector(String file, long row) {
    return new Subject(WORD_VECTOR, 0, strength -> new PlanRule.Vector(file, "e", row, strength));
  }

  Plan plan(double strength) {
    return Plan.of(rule.at(Strength.relative((float) strength)));
  }

  ObjectNode row(Measured measured) {
    return JsonNodeFactory.instance
        .objectNode()
        .put("method", method)
        .put("set", set)
        .put("strength_relative", measured.strength())
        .put("effect_nats", measured.effect())
        .put("kl", measured.kl())
        .put("nll", measured.nll());
  }
}
