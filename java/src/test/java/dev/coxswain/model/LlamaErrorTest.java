package dev.coxswain.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Device;
import dev.coxswain.error.CoxswainException;
import dev.coxswain.error.DeviceException;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything that can be wrong with a model's run ends in one clear line. */
class LlamaErrorTest {
  private static final String ADD =
      "{\"rules\":[{\"op\":\"add\",\"features\":[3],\"strength\":1}]}";

  @TempDir static Path folder;
  private static LlamaProcess model;

  @BeforeAll
  static void startModel() {
    model = RealModel.start();
    SplittableRandom random = new SplittableRandom(1);
    RealModel.writeSae(folder.resolve("sae"), 8, RealModel.WIDTH, random);
    RealModel.writeSae(folder.resolve("narrow"), 8, 64, random);
  }

  @AfterAll
  static void endModel() {
    if (model != null) {
      model.close();
    }
  }

  @Test
  void shouldSayThatThereIsNoSuchModel() {
    Path missing = folder.resolve("missing.gguf");
    CoxswainException e =
        assertThrows(FileException.class, () -> LlamaProcess.start(missing, Device.CPU, 1));
    assertEquals("reading " + missing + ": no such file or folder", e.getMessage());
  }

  @Test
  void shouldSayThatAModelIsTruncated() throws IOException {
    for (int bytes : new int[] {0, 3, 5_000, 2_000_000, 60_000_000}) {
      Path cut = folder.resolve("cut.gguf");
      try (InputStream input = Files.newInputStream(RealModel.file())) {
        Files.write(cut, input.readNBytes(bytes));
      }
      CoxswainException e =
          assertThrows(InvalidDataException.class, () -> LlamaProcess.start(cut, Device.CPU, 1));
      assertTrue(
          e.getMessage().startsWith(cut + ": not a model llama.cpp can run"), e.getMessage());
      assertOneLine(e);
    }
  }

  @Test
  void shouldSayThatTheModelHasNoSuchLayer() {
    for (int layer : new int[] {-1, 30, 1000}) {
      CoxswainException e =
          assertThrows(UsageException.class, () -> generate("Hello", layer, "sae", ADD));
      assertEquals("layer " + layer + ": the model has 30 layers; use 0 to 28", e.getMessage());
    }
  }

  @Test
  void shouldSayWhyTheLastLayerCannotBeUsed() {
    CoxswainException e =
        assertThrows(UsageException.class, () -> generate("Hello", 29, "sae", ADD));
    assertEquals(
        "layer 29 is the model's last, where llama.cpp keeps only the rows whose logits are asked"
            + " for; use 0 to 28",
        e.getMessage());
  }

  @Test
  void shouldSayThatTheSaeHasAnotherWidth() {
    CoxswainException e =
        assertThrows(InvalidDataException.class, () -> generate("Hello", 14, "narrow", ADD));
    assertEquals(
        folder.resolve("narrow")
            + ": the SAE reads hidden states of width 64, the model's are 576 wide",
        e.getMessage());
  }

  @Test
  void shouldSayThatAPromptIsLongerThanTheContext() {
    String longPrompt = "word ".repeat(9_000);
    CoxswainException e =
        assertThrows(UsageException.class, () -> generate(longPrompt, 14, "sae", ADD));
    assertTrue(
        e.getMessage().matches("the prompt has 90\\d\\d tokens, the model's context is 8192"),
        e.getMessage());
  }

  @Test
  void shouldNameThePlaceWhereAPlanIsWrong() {
    CoxswainException e =
        assertThrows(
            InvalidDataException.class,
            () ->
                generate(
                    "Hello",
                    14,
                    "sae",
                    "{\"rules\":[{\"op\":\"add\",\"features\":[8],\"strength\":1}]}"));
    assertTrue(e.getMessage().contains("rules[0].features"), e.getMessage());
    assertOneLine(e);
  }

  @Test
  void shouldRefuseAGateInOneLine() {
    String gate =
        "{\"positions\":\"reply\",\"gate\":{\"features\":[1],\"weights\":[1],\"bias\":0,"
            + "\"threshold\":0,\"pool\":\"max\",\"rows\":\"user\"},\"rules\":[]}";
    CoxswainException e =
        assertThrows(CoxswainException.class, () -> generate("Hello", 14, "sae", gate));
    assertTrue(e.getMessage().contains("gate"), e.getMessage());
    assertOneLine(e);
  }

  @Test
  void shouldSayWhichLineOfATextIsWrong() throws IOException {
    Path text = folder.resolve("bad.jsonl");
    Files.writeString(text, "{\"text\":\"fine\"}\n{\"txt\":1}\n");
    CoxswainException e = assertThrows(InvalidDataException.class, () -> harvest(text));
    assertEquals(
        text + ", line 2: not a JSON object with a text 'text', nor a JSON text", e.getMessage());
    Path latin = folder.resolve("latin.txt");
    Files.write(latin, new byte[] {'a', 'b', (byte) 0xe9, 'c'});
    e = assertThrows(InvalidDataException.class, () -> harvest(latin));
    assertEquals(latin + ": byte 2 is not valid UTF-8", e.getMessage());
    Path empty = folder.resolve("empty.txt");
    Files.createFile(empty);
    e = assertThrows(InvalidDataException.class, () -> harvest(empty));
    assertEquals("the texts hold no token: nothing to harvest", e.getMessage());
    Path missing = folder.resolve("none.txt");
    e = assertThrows(FileException.class, () -> harvest(missing));
    assertEquals("reading " + missing + ": no such file or folder", e.getMessage());
    assertTrue(Files.notExists(folder.resolve("harvest/harvest.json")));
  }

  @Test
  void shouldGoOnAfterAnError() {
    assertThrows(UsageException.class, () -> generate("Hello", 40, "sae", ADD));
    assertTrue(generate("Hello", 14, "sae", ADD).generatedTokens() > 0);
  }

  @Test
  void shouldSayThatTheProcessIsGone() {
    LlamaProcess other = RealModel.start();
    other.kill();
    CoxswainException e =
        assertThrows(DeviceException.class, () -> other.call("info", RealModel.object()));
    assertEquals("cox-llama was killed by signal 9", e.getMessage());
    other.close();
  }

  private static Continuation generate(String prompt, int layer, String sae, String plan) {
    Steering steering = new Steering(folder.resolve(sae), plan, folder);
    GenerateRequest request =
        GenerateRequest.of(List.of(prompt), List.of(Optional.of(steering)), layer, 3)
            .withSampling(GenerateRequest.Sampling.DEFAULT.withTemperature(0));
    return model.generate(request, (p, run, text) -> {}).get(0).get(0);
  }

  private static void harvest(Path text) {
    HarvestRequest request =
        new HarvestRequest(
            RealModel.LAYER, List.of(text), folder.resolve("harvest"), OptionalLong.empty(), 512);
    model.harvest(request, progress -> {});
  }

  private static void assertOneLine(Exception e) {
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }
}
