package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.model.HarvestRequest;
import dev.coxswain.model.ModelFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;

/** The model reads the beginning of the corpus; its hidden states after a block are kept. */
final class HarvestText implements Step {
  private final Workshop shop;

  HarvestText(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "harvest";
  }

  @Override
  public String title() {
    return "reading text, keeping hidden states";
  }

  @Override
  public Map<String, Object> settings() {
    return Map.of(
        "model", ModelFile.sha256(shop.modelFile()),
        "text", ModelFile.sha256(shop.corpus()),
        "layer", Workshop.LAYER,
        "tokens", shop.size().tokens());
  }

  @Override
  public List<Path> outputs() {
    return List.of(shop.folder().harvest().resolve("harvest.json"));
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    HarvestRequest request =
        new HarvestRequest(
            Workshop.LAYER,
            List.of(shop.corpus()),
            shop.folder().harvest(),
            OptionalLong.of(shop.size().tokens()),
            HarvestRequest.CONTEXT);
    HarvestRequest.Result result =
        shop.model()
            .harvest(
                request,
                progress -> listener.progress(progress.rows(), shop.size().tokens(), "tokens", ""));
    return JsonNodeFactory.instance
        .objectNode()
        .put("model", modelName())
        .put("model_sha256", shop.harvest().modelSha256())
        .put("layer", Workshop.LAYER)
        .put("tokens", result.rows())
        .put("documents", result.documents())
        .put("harvest_tokens_per_s", result.tokensPerSecond());
  }

  /** The file's name without its type of weights. */
  private String modelName() {
    return shop.modelFile().getFileName().toString().replaceFirst("(\\.Q\\w+)?\\.gguf$", "");
  }

  @Override
  public String result(ObjectNode own) {
    return String.format(
        Locale.ROOT,
        "%,d tokens of %,d documents, %,.0f tokens/s",
        own.path("tokens").asLong(),
        own.path("documents").asLong(),
        own.path("harvest_tokens_per_s").asDouble());
  }
}
