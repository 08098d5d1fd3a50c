package dev.coxswain.sae;

import dev.coxswain.tensor.Shape;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/** One layout: what its configuration says, and how its tensors become an autoencoder. */
interface FormatReader {
  /** Reads and checks the configuration, no weight. */
  SaeDescription describe();

  /**
   * Names and shapes of all tensors this SAE has.
   *
   * @param present names in its file, by which alternatives are told apart
   */
  Map<String, Shape> tensors(Set<String> present);

  /**
   * Takes every tensor it knows from {@code weights} and folds what has to be folded.
   *
   * @param normFactor the dataset's norm factor as the user gave it
   */
  SparseAutoencoder.Builder build(Weights weights, OptionalDouble normFactor);
}
