package dev.coxswain.testing;

import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;

/** Autoencoders made of an input's weights. */
public final class Saes {
  private Saes() {}

  /** A Top-K autoencoder without metadata, still to be built. */
  public static SparseAutoencoder.Builder topK(Inputs.Arrays a) {
    return SparseAutoencoder.builder()
        .wEnc(HostTensor.ofFloats(Shape.of(a.features(), a.d()), a.wEnc()))
        .bEnc(HostTensor.ofFloats(Shape.of(a.features()), a.bEnc()))
        .wDec(HostTensor.ofFloats(Shape.of(a.features(), a.d()), a.wDec()))
        .bDec(HostTensor.ofFloats(Shape.of(a.d()), a.bDec()))
        .topK(a.k());
  }
}
