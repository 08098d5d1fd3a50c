package dev.coxswain.reference;

import dev.coxswain.backend.ExplainOptions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** math.md's explanation with every matrix materialised, in double. Nobody optimises it. */
public final class ExplainReference {
  private final double[][] wordGivenFeature;
  private final double[][] logFeatureGivenWord;
  private final double[][] score;

  /**
   * @param logits L [F][V]
   */
  public ExplainReference(double[][] logits, ExplainOptions options) {
    int features = logits.length;
    int words = logits[0].length;
    wordGivenFeature = new double[features][words];
    logFeatureGivenWord = new double[features][words];
    score = new double[features][words];
    for (int c = 0; c < features; c++) {
      double sum = 0;
      double max = Double.NEGATIVE_INFINITY;
      for (int w = 0; w < words; w++) {
        max = Math.max(max, logits[c][w] / options.alpha());
      }
      for (int w = 0; w < words; w++) {
        sum += Math.exp(logits[c][w] / options.alpha() - max);
      }
      for (int w = 0; w < words; w++) {
        wordGivenFeature[c][w] = Math.exp(logits[c][w] / options.alpha() - max) / sum;
      }
    }
    for (int w = 0; w < words; w++) {
      double sum = 0;
      double max = Double.NEGATIVE_INFINITY;
      for (int c = 0; c < features; c++) {
        max = Math.max(max, logits[c][w] / options.beta());
      }
      for (int c = 0; c < features; c++) {
        sum += Math.exp(logits[c][w] / options.beta() - max);
      }
      for (int c = 0; c < features; c++) {
        logFeatureGivenWord[c][w] = logits[c][w] / options.beta() - max - Math.log(sum);
      }
    }
    double logPrior =
        options.objective() == ExplainOptions.Objective.MI ? Math.log(1.0 / features) : 0;
    for (int c = 0; c < features; c++) {
      for (int w = 0; w < words; w++) {
        score[c][w] = wordGivenFeature[c][w] * (logFeatureGivenWord[c][w] - logPrior);
      }
    }
  }

  /** L[c][w] = U[c]·E[w] as the canonical float dot. */
  public static double[][] canonicalLogits(float[] features, float[] words, int d) {
    double[][] logits = new double[features.length / d][words.length / d];
    for (int c = 0; c < logits.length; c++) {
      for (int w = 0; w < logits[0].length; w++) {
        logits[c][w] = Canonical.dot(features, c * d, words, w * d, d);
      }
    }
    return logits;
  }

  /** The M best words of a feature, ties by lower word. */
  public List<Integer> best(int feature, int top) {
    List<Integer> words = new ArrayList<>();
    for (int w = 0; w < score[feature].length; w++) {
      words.add(w);
    }
    words.sort(Comparator.comparingDouble((Integer w) -> -score[feature][w]));
    return words.subList(0, top);
  }

  public double score(int feature, int word) {
    return score[feature][word];
  }

  public double wordGivenFeature(int feature, int word) {
    return wordGivenFeature[feature][word];
  }

  public double logFeatureGivenWord(int feature, int word) {
    return logFeatureGivenWord[feature][word];
  }
}
