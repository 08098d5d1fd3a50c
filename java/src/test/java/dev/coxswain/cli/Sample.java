package dev.coxswain.cli;

import dev.coxswain.io.HarvestInfo;
import dev.coxswain.io.HarvestWriter;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.sae.SaeWriter;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A folder with one small good file of each kind, which every command accepts:
 *
 * <ul>
 *   <li>{@code sae/}: Top-K, d = {@link #D}, F = {@link #F}, k = {@link #K}
 *   <li>{@code x.safetensors}: x [{@link #N}, d]; {@code empty.safetensors}: x [0, d]
 *   <li>{@code harvest/}: {@link #TOKENS} tokens of "the red car the blue bus …"
 *   <li>{@code v.safetensors}: e [3, d] with {@code v.words.txt}
 *   <li>{@code plan.json}
 * </ul>
 */
final class Sample {
  static final int D = 8;
  static final int F = 16;
  static final int K = 4;
  static final int N = 5;
  static final int TOKENS = 60;

  private static final List<String> PIECES = List.of("<s>", " the", " red", " car", " bus");
  private static final SplittableRandom RANDOM = new SplittableRandom(7);

  private Sample() {}

  static void write(Path folder) {
    try (SparseAutoencoder sae = autoencoder()) {
      SaeWriter.writeSaeLens(sae, folder.resolve("sae"), Optional.empty());
    }
    tensor(folder.resolve("x.safetensors"), "x", N, D);
    tensor(folder.resolve("empty.safetensors"), "x", 0, D);
    tensor(folder.resolve("wide.safetensors"), "x", N, D + 1);
    tensor(folder.resolve("v.safetensors"), "e", 3, D);
    text(folder.resolve("v.words.txt"), "red\ncar\nbus\n");
    text(
        folder.resolve("plan.json"),
        "{\"rules\": [{\"op\": \"amplify\", \"features\": [3, 5], \"alpha\": 1.5}]}\n");
    harvest(folder.resolve("harvest"));
  }

  private static SparseAutoencoder autoencoder() {
    return SparseAutoencoder.builder()
        .wEnc(random(F, D))
        .bEnc(random(F))
        .wDec(random(F, D))
        .bDec(random(D))
        .topK(K)
        .build();
  }

  private static HostTensor random(long... extents) {
    Shape shape = Shape.of(extents);
    float[] values = new float[(int) shape.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (2 * RANDOM.nextDouble() - 1);
    }
    return HostTensor.ofFloats(shape, values);
  }

  static void tensor(Path file, String name, long... extents) {
    try (HostTensor values = random(extents)) {
      SafetensorsWriter.write(file, Map.of(name, values.view()), Map.of());
    }
  }

  /** Two rows that are not finite. */
  static void nan(Path file) {
    try (HostTensor values = random(2, D)) {
      values.setFloat(3, Float.NaN);
      values.setFloat(D, Float.POSITIVE_INFINITY);
      SafetensorsWriter.write(file, Map.of("x", values.view()), Map.of());
    }
  }

  static void text(Path file, String content) {
    try {
      Files.writeString(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void harvest(Path folder) {
    int[] tokens = new int[TOKENS];
    int[] positions = new int[TOKENS];
    long[] documents = new long[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
      positions[i] = i % 20;
      documents[i] = i / 20;
      tokens[i] = positions[i] == 0 ? 0 : 1 + RANDOM.nextInt(PIECES.size() - 1);
    }
    HarvestInfo info = HarvestInfo.begin("tiny.gguf", "ab".repeat(32), 3, D, PIECES);
    try (HarvestWriter writer = HarvestWriter.create(folder, info, DType.F32);
        HostTensor rows = random(TOKENS, D)) {
      writer.append(rows.view(), tokens, positions, documents);
      writer.finish();
    }
  }

  /** Every file below the folder with its size, to see whether a command left something behind. */
  static Map<String, Long> files(Path folder) {
    Map<String, Long> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(path).toString(), Files.size(path));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }
}
