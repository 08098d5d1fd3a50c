package dev.coxswain.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.JsonLines;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.sae.SaeReader;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.testing.Floats;
import dev.coxswain.testing.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
  private static final long SEED = Seeds.next("TrainerTest");

  private static Engine engine;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    engine = Engine.open(Device.CPU, 2);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void shouldRecoverAPlantedDictionary() {
    PlantedRows planted = new PlantedRows(512, 64, 5, SEED);
    try (MarkedRows rows = open(planted.write(folder, 3, 12_000))) {
      TrainOptions options =
          TrainOptions.builder(64)
              .features(768)
              .k(5)
              .steps(350)
              .learningRate(8e-3)
              .seed(SEED)
              .build();
      Path out = folder.resolve("sae");
      TrainResult result = new Trainer(engine.backend(), rows, options, out).run();
      try (SparseAutoencoder sae = SaeReader.read(out);
          PlacedAutoencoder placed = PlacedAutoencoder.place(engine.backend(), sae)) {
        double recovered = planted.recovered(Floats.of(sae.wDec()), 0.95);
        assertTrue(recovered >= 0.9, recovered + " recovered");
        assertUnitRows(Floats.of(sae.wDec()), 64);
        assertEquals(result.meanNorm(), sae.meanNorm().orElseThrow());
        // In units of the rows themselves: the scale is folded away.
        Evaluation evaluation = Evaluator.evaluate(engine.backend(), placed, rows, done -> {});
        assertEquals(result.last().fvu(), evaluation.fvu(), 0.15 * evaluation.fvu());
      }
    }
  }

  private static void assertUnitRows(float[] wDec, int width) {
    for (int row = 0; row < wDec.length; row += width) {
      assertEquals(1, Math.sqrt(RowBlock.squares(wDec, row, width)), 1e-6);
    }
  }

  private static MarkedRows open(List<String> specs) {
    return MarkedRows.open(specs, HoldOut.NONE, MarkedRows.Side.TRAINING);
  }

  /** A run of a second or less. */
  private static TrainOptions.Builder small() {
    return TrainOptions.builder(20).features(64).k(4).steps(30).batchRows(128).seed(5);
  }

  private List<String> smallRows() {
    return new PlantedRows(40, 20, 3, 9).write(folder, 2, 900);
  }

  private Trainer trainer(MarkedRows rows, TrainOptions options, String out) {
    return new Trainer(engine.backend(), rows, options, folder.resolve(out));
  }

  @Test
  void shouldWriteItsFiguresAndTheSameBitsEveryTime() throws IOException {
    try (MarkedRows rows = open(smallRows())) {
      TrainOptions options = small().shuffleRows(300).build();
      List<String> said = new ArrayList<>();
      TrainProgress listener =
          new TrainProgress() {
            @Override
            public void say(String line) {
              said.add(line);
            }
          };
      TrainResult result = trainer(rows, options, "a").progress(listener).run();
      trainer(rows, options, "b").metrics(folder.resolve("m.jsonl")).run();
      trainer(rows, small().shuffleRows(300).seed(6).build(), "c").run();
      assertArrayEquals(weights("a"), weights("b"));
      assertFalse(java.util.Arrays.equals(weights("a"), weights("c")), "another seed");
      assertEquals(2, said.size());
      assertTrue(said.get(1).startsWith("memory "), said.get(1));
      assertMetrics(folder.resolve("a/metrics.jsonl"), result);
      assertTrue(Files.exists(folder.resolve("m.jsonl")));
      assertFalse(Checkpoint.exists(folder.resolve("a")), "removed when done");
    }
  }

  private static void assertMetrics(Path path, TrainResult result) {
    List<JsonNode> lines = new ArrayList<>();
    JsonLines.read(path, line -> lines.add(line));
    assertEquals(30, lines.size());
    JsonNode last = lines.get(29);
    for (String name :
        List.of("step", "loss", "fvu", "l0", "dead", "aux_loss", "rows_per_s", "learning_rate")) {
      assertTrue(last.path(name).isNumber(), name);
    }
    assertEquals(result.last().fvu(), last.get("fvu").asDouble());
    assertTrue(last.get("fvu").asDouble() < lines.get(0).get("fvu").asDouble());
  }

  private byte[] weights(String out) throws IOException {
    return Files.readAllBytes(folder.resolve(out).resolve("sae_weights.safetensors"));
  }

  @Test
  void shouldResumeAnInterruptedRunToTheBitsOfAnUnbrokenOne() throws IOException {
    try (MarkedRows rows = open(smallRows())) {
      TrainOptions options = small().shuffleRows(300).build();
      trainer(rows, options, "whole").run();
      interrupt(rows, options, 13);
      assertEquals(12, Checkpoint.read(folder.resolve("broken")).step());
      interrupt(rows, options, 25);
      TrainResult result = broken(rows, options).start(Trainer.Start.RESUME).run();
      assertEquals(25, result.firstStep());
      assertArrayEquals(weights("whole"), weights("broken"));
      List<JsonNode> lines = new ArrayList<>();
      JsonLines.read(folder.resolve("broken/metrics.jsonl"), line -> lines.add(line));
      for (int i = 0; i < 30; i++) {
        assertEquals(i + 1, lines.get(i).get("step").asInt());
      }
      // A finished run that is resumed is left as it is.
      broken(rows, options).start(Trainer.Start.RESUME).run();
      assertArrayEquals(weights("whole"), weights("broken"));
    }
  }

  private Trainer broken(MarkedRows rows, TrainOptions options) {
    return trainer(rows, options, "broken").checkpoints(4, Duration.ofHours(1));
  }

  private void interrupt(MarkedRows rows, TrainOptions options, long atStep) {
    class Stop extends RuntimeException {}
    TrainProgress stopper =
        new TrainProgress() {
          @Override
          public void step(TrainFigures figures, long steps) {
            if (figures.step() == atStep) {
              throw new Stop();
            }
          }
        };
    assertThrows(
        Stop.class,
        () -> broken(rows, options).start(Trainer.Start.RESUME).progress(stopper).run());
  }

  @Test
  void shouldRefuseToResumeWithOtherOptionsOrRowsByName() {
    List<String> specs = smallRows();
    try (MarkedRows rows = open(specs);
        MarkedRows fewer = open(specs.subList(0, 1))) {
      interrupt(rows, small().build(), 9);
      TrainOptions other = small().seed(77).build();
      refused(
          UsageException.class,
          "seed is 77, but the run to resume has 5",
          broken(rows, other).start(Trainer.Start.RESUME));
      refused(
          UsageException.class,
          folder.resolve("broken")
              + " holds an interrupted run at step 8: resume it, or remove "
              + folder.resolve("broken/checkpoint.safetensors"),
          broken(rows, small().build()));
      InvalidDataException refusal =
          assertThrows(
              InvalidDataException.class,
              broken(fewer, small().build()).start(Trainer.Start.RESUME)::run);
      assertTrue(
          refusal
              .getMessage()
              .startsWith("the rows are not those of the run to resume: they are 900x20 "),
          refusal.getMessage());
    }
  }

  private static void refused(Class<? extends Throwable> type, String message, Trainer trainer) {
    assertEquals(message, assertThrows(type, trainer::run).getMessage());
  }

  @Test
  void shouldSayWhyAFolderCannotBeWritten() throws IOException {
    try (MarkedRows rows = open(smallRows())) {
      Files.writeString(folder.resolve("file"), "");
      refused(
          FileException.class,
          "cannot write to "
              + folder.resolve("file/out")
              + ": "
              + folder.resolve("file")
              + " is no folder",
          trainer(rows, small().build(), "file/out"));
      refused(
          FileException.class,
          "cannot write "
              + folder.resolve("no/m.jsonl")
              + ": there is no folder "
              + folder.resolve("no"),
          trainer(rows, small().build(), "out").metrics(folder.resolve("no/m.jsonl")));
      assertFalse(Files.exists(folder.resolve("out")));
    }
  }

  @Test
  void shouldSayWhenTheLossIsNoNumberAnyMore() {
    try (MarkedRows rows = open(smallRows())) {
      TrainOptions options = small().learningRate(1e38).warmupSteps(0).build();
      InvalidDataException failure =
          assertThrows(InvalidDataException.class, trainer(rows, options, "x")::run);
      assertTrue(failure.getMessage().startsWith("training diverged"), failure.getMessage());
      assertFalse(Files.exists(folder.resolve("x/sae_weights.safetensors")));
    }
  }
}
