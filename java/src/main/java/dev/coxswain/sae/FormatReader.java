package dev.coxswain.sae;

import java.util.OptionalDouble;

/** One layout: what its configuration says, and how its tensors become an autoencoder. */
interface FormatReader {
  /** Reads and checks the configuration, no weight. */
  SaeDescription describe();

  /**
   * Takes every tensor it knows from {@code weights} and folds what has to be folded.
   *
   * @param normFactor the dataset's norm factor as the user gave it
   */
  SparseAutoencoder.Builder build(Weights weights, OptionalDouble normFactor);
}
