package dev.coxswain.steer;

import java.util.List;

/**
 * {@code when}: a row is steered only if some g = ReLU(x R + c) of these features is positive and
 * the mean of the positive ones reaches the threshold.
 */
public record RowCondition(List<Integer> features, float threshold) {
  public RowCondition {
    features = List.copyOf(features);
  }
}
