package dev.coxswain.reference;

import dev.coxswain.backend.Activation;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.testing.Floats;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A whole autoencoder by {@link Reference}: activation and order on top of the scores. */
public final class SaeReference {
  /** One active feature. */
  public record Active(int index, double value) {}

  private final SparseAutoencoder sae;

  public SaeReference(SparseAutoencoder sae) {
    this.sae = sae;
  }

  /** Active features, by descending value, then ascending index. */
  public List<Active> encode(float[] x) {
    double[] z =
        Reference.scores(
            widened(x),
            sae.normalization(),
            sae.subtractsBDec() ? Floats.of(sae.bDec()) : new float[0],
            Floats.of(sae.wEnc()),
            Floats.of(sae.bEnc()));
    float[] threshold = sae.threshold().map(Floats::of).orElse(new float[z.length]);
    List<Active> all = new ArrayList<>();
    for (int f = 0; f < z.length; f++) {
      all.add(new Active(f, z[f]));
    }
    all.sort(Comparator.comparingDouble(Active::value).reversed().thenComparingInt(Active::index));
    long selected = sae.activation() == Activation.TOP_K ? sae.k() : all.size();
    return all.stream()
        .limit(selected)
        .filter(feature -> feature.value() > threshold[feature.index()])
        .toList();
  }

  /** x̂ of a row whose active features are given. */
  public double[] decode(float[] x, List<Active> active) {
    int[] indices = active.stream().mapToInt(Active::index).toArray();
    float[] values = new float[indices.length];
    for (int place = 0; place < values.length; place++) {
      values[place] = (float) active.get(place).value();
    }
    double[] shiftScale = Reference.shiftScale(widened(x), sae.normalization());
    return Reference.decode(
        indices, values, Floats.of(sae.wDec()), Floats.of(sae.bDec()), shiftScale);
  }

  private static double[] widened(float[] x) {
    double[] widened = new double[x.length];
    for (int e = 0; e < x.length; e++) {
      widened[e] = x[e];
    }
    return widened;
  }
}
