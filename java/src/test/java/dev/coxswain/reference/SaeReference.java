package dev.coxswain.reference;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Normalization;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Encode and decode in plain double precision, in math.md's order and symbols. */
public final class SaeReference {
  /** One active feature. */
  public record Active(int index, double value) {}

  /** x = x̃·scale + shift; scale 0 where the row can't be normalised. */
  private record Scale(double shift, double scale) {}

  private final SparseAutoencoder sae;

  public SaeReference(SparseAutoencoder sae) {
    this.sae = sae;
  }

  /** Active features, by descending value, then ascending index. */
  public List<Active> encode(float[] x) {
    Scale scale = scale(x);
    List<Active> active = new ArrayList<>();
    if (scale.scale() == 0) {
      return active;
    }
    double[] z = preActivations(x, scale);
    List<Active> all = new ArrayList<>();
    for (int f = 0; f < z.length; f++) {
      all.add(new Active(f, z[f]));
    }
    all.sort(Comparator.comparingDouble(Active::value).reversed().thenComparingInt(Active::index));
    for (int rank = 0; rank < all.size(); rank++) {
      Active feature = all.get(rank);
      boolean selected = sae.activation() != Activation.TOP_K || rank < sae.k();
      double threshold =
          sae.threshold().isPresent() ? element(sae.threshold().get(), feature.index()) : 0;
      if (selected && feature.value() > Math.max(threshold, 0)) {
        active.add(feature);
      }
    }
    return active;
  }

  private double[] preActivations(float[] x, Scale scale) {
    int d = sae.width();
    double[] input = new double[d];
    for (int e = 0; e < d; e++) {
      double bDec = sae.subtractsBDec() ? element(sae.bDec(), e) : 0;
      input[e] = (x[e] - scale.shift()) / scale.scale() - bDec;
    }
    double[] z = new double[sae.features()];
    for (int f = 0; f < z.length; f++) {
      z[f] = element(sae.bEnc(), f);
      for (int e = 0; e < d; e++) {
        z[f] += input[e] * element(sae.wEnc(), (long) f * d + e);
      }
    }
    return z;
  }

  /** x̂ of a row whose active features are given. */
  public double[] decode(float[] x, List<Active> active) {
    int d = sae.width();
    double[] xHat = new double[d];
    Scale scale = scale(x);
    if (scale.scale() == 0) {
      return xHat;
    }
    for (int e = 0; e < d; e++) {
      xHat[e] = element(sae.bDec(), e);
      for (Active feature : active) {
        xHat[e] += feature.value() * element(sae.wDec(), (long) feature.index() * d + e);
      }
      xHat[e] = xHat[e] * scale.scale() + scale.shift();
    }
    return xHat;
  }

  private Scale scale(float[] x) {
    double sum = 0;
    double squares = 0;
    for (float value : x) {
      sum += value;
      squares += (double) value * value;
    }
    if (!Double.isFinite(squares)) {
      return new Scale(0, 0);
    }
    if (sae.normalization() == Normalization.NONE) {
      return new Scale(0, 1);
    }
    if (sae.normalization() == Normalization.CONSTANT_NORM) {
      return new Scale(0, Math.sqrt(squares) / Math.sqrt(x.length));
    }
    double mean = sum / x.length;
    double deviations = 0;
    for (float value : x) {
      deviations += (value - mean) * (value - mean);
    }
    return new Scale(mean, Math.sqrt(deviations / (x.length - 1)) + 1e-5);
  }

  private static double element(TensorView view, long index) {
    return HostMemory.getFloat(view.address() + 4 * index);
  }
}
