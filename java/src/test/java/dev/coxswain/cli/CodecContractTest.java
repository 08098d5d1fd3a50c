package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.cli.CoxProcess.Result;
import dev.coxswain.io.Json;
import dev.coxswain.io.SafetensorsFile;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.sae.SaeWriter;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.SmallSae;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** encode, decode and inspect as a user runs them. */
@Tag("cli")
class CodecContractTest {
  private static final int ROWS = 400;

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() {
    try (SparseAutoencoder topK = SmallSae.topK(3);
        SparseAutoencoder jump = SmallSae.jumpRelu(3)) {
      SaeWriter.writeSaeLens(topK, folder.resolve("topk"), Optional.empty());
      SaeWriter.writeSaeLens(jump, folder.resolve("jump"), Optional.empty());
    }
    writeRows("x.safetensors", ROWS, SmallSae.WIDTH);
    writeRows("wide.safetensors", 2, SmallSae.WIDTH + 1);
    writeRows("none.safetensors", 0, SmallSae.WIDTH);
  }

  private void writeRows(String name, int rows, int width) {
    float[] values = Inputs.fill(new SplittableRandom(4), rows * width, 2f);
    try (HostTensor x = Floats.tensor(DType.BF16, values, rows, width)) {
      SafetensorsWriter.write(folder.resolve(name), Map.of("h", x.view()), Map.of());
    }
  }

  private Result encode(String sae, String in, Object... more) {
    List<Object> arguments =
        Stream.concat(
                Stream.of("encode", "--sae", sae, "--in", in, "--out", "a.safetensors"),
                Stream.of(more))
            .toList();
    return CoxProcess.run(folder, arguments.toArray());
  }

  private Shape shape(String file, String tensor) {
    try (SafetensorsFile opened = SafetensorsFile.open(folder.resolve(file))) {
      return opened.entry(tensor).shape();
    }
  }

  @Test
  void shouldEncodeAndDecode() {
    assertEquals(
        "400 rows encoded, 3 places a row\n", encode("topk", "x.safetensors:h").ok().out());
    assertEquals(Shape.of(ROWS, 3), shape("a.safetensors", "values"));
    assertEquals(Shape.of(ROWS, 3), shape("a.safetensors", "indices"));
    Result decoded =
        CoxProcess.run(folder, "decode", "--sae", "topk", "--in", "a.safetensors", "--out", "y");
    assertEquals("400 rows decoded\n", decoded.ok().out());
    assertEquals(Shape.of(ROWS, SmallSae.WIDTH), shape("y", "x"));
  }

  @Test
  void shouldEncodeNoRowsToNoRows() {
    assertEquals(
        "0 rows encoded, 3 places a row\n", encode("topk", "none.safetensors:h").ok().out());
    assertEquals(Shape.of(0, 3), shape("a.safetensors", "indices"));
  }

  @Test
  void shouldKeepTheNormalisationSoThatDecodingUndoesIt() {
    Result result = encode("jump", "x.safetensors:h", "--json", "--threads", 1).ok();
    JsonNode report = Json.parse(result.out(), "output");
    assertEquals(ROWS, report.get("rows").asInt());
    assertEquals(Shape.of(ROWS, report.get("places").asLong()), shape("a.safetensors", "values"));
    assertEquals(Shape.of(ROWS, 2), shape("a.safetensors", "normalization"));
  }

  @Test
  void shouldRefuseBadInputInOneLineAndWriteNothing() throws IOException {
    assertEquals(
        "cox: wide.safetensors: tensor 'h' has rows of 8 elements; the SAE takes 7",
        encode("topk", "wide.safetensors:h").oneErrorLine(1));
    assertEquals(
        "cox: x.safetensors has no tensor 'x'; it has h",
        encode("topk", "x.safetensors").oneErrorLine(1));
    assertTrue(
        encode("jump", "x.safetensors:h", "--max-active", 1)
            .oneErrorLine(1)
            .startsWith("cox: row "));
    assertTrue(
        encode("topk", "x.safetensors:h", "--max-active", 1)
            .oneErrorLine(2)
            .startsWith("cox: --max-active is for SAEs whose rows differ"));
    assertTrue(
        encode("topk", "x.safetensors:h", "--norm-factor", 2)
            .oneErrorLine(2)
            .startsWith("cox: a norm factor is given"));
    assertEquals(
        "cox: cannot read missing: no such file or folder",
        encode("missing", "x.safetensors:h").oneErrorLine(1));
    assertNothingWritten();
  }

  @Test
  void shouldLeaveNothingBehindWhenTheDiskIsFull() throws IOException {
    String line =
        "ulimit -f 8; \"$COX\" encode --sae topk --in x.safetensors:h --out a.safetensors";
    assertEquals(
        "cox: cannot write a.safetensors: File too large",
        CoxProcess.bash(folder, line).oneErrorLine(1));
    assertNothingWritten();
  }

  private void assertNothingWritten() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(
          List.of("jump", "none.safetensors", "topk", "wide.safetensors", "x.safetensors"),
          files.map(path -> path.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void shouldInspectAnSaeAndAnyFile() {
    JsonNode sae = inspect("topk");
    assertEquals("saelens", sae.get("format").asText());
    assertEquals("topk", sae.get("architecture").asText());
    assertEquals(SmallSae.WIDTH, sae.get("d_model").asInt());
    assertEquals(SmallSae.FEATURES, sae.get("n_features").asInt());
    assertEquals(3, sae.get("k").asInt());
    assertEquals("float32", sae.get("dtype").asText());
    assertTrue(sae.get("apply_b_dec_to_input").asBoolean());
    assertEquals(
        Json.parse("{\"dtype\":\"F32\",\"shape\":[7,12]}", "expected"),
        sae.get("tensors").get("W_enc"));
    assertEquals(sae, inspect("topk/cfg.json"));
    assertEquals(
        Json.parse("{\"h\":{\"dtype\":\"BF16\",\"shape\":[2,8]}}", "expected"),
        inspect("wide.safetensors").get("tensors"));
    assertEquals(
        "cox: cannot read gone.safetensors: no such file or folder",
        CoxProcess.run(folder, "inspect", "gone.safetensors").oneErrorLine(1));
  }

  private JsonNode inspect(String path) {
    return Json.parse(CoxProcess.run(folder, "inspect", path, "--json").ok().out(), "output");
  }
}
