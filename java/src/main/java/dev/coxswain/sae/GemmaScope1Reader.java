package dev.coxswain.sae;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.Weights.Layout;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/** Gemma Scope 1: params.npz; what it is stands in the path, the sizes in the arrays. */
final class GemmaScope1Reader implements FormatReader {
  private final Path folder;
  private final SaeDescription description;

  GemmaScope1Reader(Path folder) {
    this.folder = folder;
    Path path = folder.resolve(SaeFormat.GEMMA_SCOPE_1.weights());
    try (WeightFile file = WeightFile.open(path)) {
      // The one case in which a name says what kind it is: transcoders write w_enc.
      boolean transcoder = file.tensors().containsKey("w_enc");
      WeightFile.Stored encoder = file.tensors().get(transcoder ? "w_enc" : "W_enc");
      if (encoder == null || encoder.shape().rank() != 2) {
        throw new InvalidDataException(path + " has no array 'W_enc' [d, F]");
      }
      this.description =
          new SaeDescription(
              SaeFormat.GEMMA_SCOPE_1,
              "jumprelu",
              GemmaScope2Reader.extent(path, encoder, 0),
              GemmaScope2Reader.extent(path, encoder, 1),
              OptionalInt.empty(),
              SparsifyReader.torchName(encoder.dtype()),
              false,
              Map.of(),
              transcoder
                  ? Optional.of("w_enc in lower case marks a transcoder, which is not computed")
                  : Optional.empty());
    }
  }

  @Override
  public SaeDescription describe() {
    return description;
  }

  @Override
  public Map<String, Shape> tensors(Set<String> present) {
    int features = description.features();
    int width = description.width();
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put("W_enc", Shape.of(width, features));
    shapes.put("b_enc", Shape.of(features));
    shapes.put("W_dec", Shape.of(features, width));
    shapes.put("b_dec", Shape.of(width));
    shapes.put("threshold", Shape.of(features));
    return shapes;
  }

  @Override
  public SparseAutoencoder.Builder build(Weights weights, OptionalDouble normFactor) {
    SaeReader.refuseNormFactor(normFactor);
    int features = description.features();
    int width = description.width();
    HostTensor wEnc = weights.matrix("W_enc", features, width, Layout.BY_WIDTH);
    HostTensor wDec = weights.matrix("W_dec", features, width, Layout.BY_FEATURE);
    if (readsEmbeddings()) {
      Folding.scale(wEnc, 1 / Math.sqrt(width));
      Folding.scale(wDec, Math.sqrt(width));
    }
    return SparseAutoencoder.builder()
        .wEnc(wEnc)
        .bEnc(weights.vector("b_enc", features))
        .wDec(wDec)
        .bDec(weights.vector("b_dec", width))
        .jumpRelu(weights.vector("threshold", features));
  }

  /** Those of the embedding were trained on rows without the factor √d that the model applies. */
  private boolean readsEmbeddings() {
    for (Path part : folder.toAbsolutePath()) {
      if (part.toString().equals("embedding")) {
        return true;
      }
    }
    return false;
  }
}
