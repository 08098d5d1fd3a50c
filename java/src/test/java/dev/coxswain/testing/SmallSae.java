package dev.coxswain.testing;

import dev.coxswain.backend.Normalization;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.util.SplittableRandom;

/** A small autoencoder with random weights and some metadata. */
public final class SmallSae {
  public static final int FEATURES = 12;
  public static final int WIDTH = 7;

  private SmallSae() {}

  public static SparseAutoencoder topK(long seed) {
    return builder(new SplittableRandom(seed)).topK(3).build();
  }

  public static SparseAutoencoder relu(long seed) {
    return builder(new SplittableRandom(seed))
        .relu()
        .subtractsBDec(false)
        .normalization(Normalization.LAYER_NORM)
        .build();
  }

  public static SparseAutoencoder jumpRelu(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return builder(random)
        .jumpRelu(tensor(random, FEATURES))
        .normalization(Normalization.CONSTANT_NORM)
        .build();
  }

  private static SparseAutoencoder.Builder builder(SplittableRandom random) {
    return SparseAutoencoder.builder()
        .wEnc(tensor(random, FEATURES, WIDTH))
        .bEnc(tensor(random, FEATURES))
        .wDec(tensor(random, FEATURES, WIDTH))
        .bDec(tensor(random, WIDTH))
        .subtractsBDec(true)
        .metadata("hook_name", "blocks.3.hook_resid_post")
        .metadata("context_size", "128")
        .metadata("neuronpedia_id", "null")
        .metadata(SparseAutoencoder.MODEL_SHA256, "00e1")
        .metadata(SparseAutoencoder.MEAN_NORM, "24.25")
        .metadata(SparseAutoencoder.LAYER, "3");
  }

  private static HostTensor tensor(SplittableRandom random, long... extents) {
    Shape shape = Shape.of(extents);
    return HostTensor.ofFloats(shape, Inputs.fill(random, (int) shape.elements(), 1f));
  }
}
