package dev.coxswain.train;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Harvest;
import dev.coxswain.sae.SaeWriter;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostTensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The trained SAE in units of the hidden state. It was trained on s·x; Top-K is positively
 * homogeneous, so with both biases divided by s the same features are active, their activations are
 * 1/s times as large, and the unit-norm decoder rows reconstruct x itself.
 */
final class Export {
  private Export() {}

  static void write(
      TrainingState state,
      TrainOptions options,
      Survey survey,
      Optional<Harvest> harvest,
      Path folder) {
    try (SparseAutoencoder sae = autoencoder(state, options, survey, harvest)) {
      SaeWriter.writeSaeLens(sae, folder, Optional.empty());
    }
  }

  private static SparseAutoencoder autoencoder(
      TrainingState state, TrainOptions options, Survey survey, Optional<Harvest> harvest) {
    double unscale = 1.0 / survey.scale();
    List<HostTensor> tensors = new ArrayList<>();
    try {
      for (String name : List.of("w_enc", "b_enc", "w_dec", "b_dec")) {
        tensors.add(state.toHost(name, name.startsWith("b") ? unscale : 1));
      }
      SparseAutoencoder.Builder builder =
          SparseAutoencoder.builder()
              .wEnc(tensors.get(0))
              .bEnc(tensors.get(1))
              .wDec(tensors.get(2))
              .bDec(tensors.get(3))
              .topK(options.k())
              .subtractsBDec(true)
              .metadata(SparseAutoencoder.MEAN_NORM, String.valueOf(survey.meanNorm()));
      if (options.holdOut().any()) {
        builder.metadata(HoldOut.METADATA, String.valueOf(options.holdOut().fraction()));
      }
      harvest.ifPresent(from -> addOrigin(builder, from));
      return builder.build();
    } catch (InvalidDataException e) {
      tensors.forEach(HostTensor::close);
      throw new InvalidDataException("training diverged: " + e.getMessage(), e);
    }
  }

  private static void addOrigin(SparseAutoencoder.Builder builder, Harvest harvest) {
    builder.metadata(SparseAutoencoder.MODEL_SHA256, harvest.modelSha256());
    builder.metadata(SparseAutoencoder.LAYER, String.valueOf(harvest.layer()));
    builder.metadata("model_name", harvest.info().model());
    builder.metadata("hook_name", "blocks." + harvest.layer() + ".hook_resid_post");
  }
}
