package dev.coxswain.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.backend.cuda.CudaBackend;
import dev.coxswain.io.JsonLines;
import dev.coxswain.sae.PlacedAutoencoder;
import dev.coxswain.sae.SaeReader;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.testing.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs on CUDA: files, checkpoints and figures are the CPU's, byte for byte. */
@Tag("cuda")
class TrainOnCudaTest {
  private static final long SEED = Seeds.next("TrainOnCudaTest");
  private static final int STEPS = 12;

  private static Backend cpu;
  private static Backend cuda;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    cpu = CpuBackend.open(2);
    cuda = CudaBackend.open(0);
  }

  @AfterAll
  static void close() {
    cuda.close();
    cpu.close();
  }

  /** Features die after a step and a half, so that AuxK works. */
  private static TrainOptions options() {
    return TrainOptions.builder(20)
        .features(70)
        .k(3)
        .steps(STEPS)
        .batchRows(40)
        .shuffleRows(300)
        .kAux(6)
        .deadAfter(60)
        .learningRate(5e-3)
        .seed(SEED)
        .build();
  }

  private MarkedRows rows() {
    List<String> files = new PlantedRows(40, 20, 3, SEED).write(folder, 2, 400);
    return MarkedRows.open(files, HoldOut.NONE, MarkedRows.Side.TRAINING);
  }

  private Trainer trainer(Backend backend, MarkedRows rows, String out) {
    return new Trainer(backend, rows, options(), folder.resolve(out))
        .checkpoints(3, Duration.ofHours(1));
  }

  private byte[] weights(String out) throws IOException {
    return Files.readAllBytes(folder.resolve(out).resolve("sae_weights.safetensors"));
  }

  /** Without what is measured by the clock. */
  private List<JsonNode> metrics(String out) {
    List<JsonNode> lines = new ArrayList<>();
    JsonLines.read(folder.resolve(out).resolve("metrics.jsonl"), line -> lines.add(line));
    lines.forEach(line -> ((ObjectNode) line).remove("rows_per_s"));
    return lines;
  }

  @Test
  void shouldTrainAndEvaluateToTheCpusBytes() throws IOException {
    try (MarkedRows rows = rows()) {
      trainer(cpu, rows, "cpu").run();
      List<String> said = new ArrayList<>();
      TrainProgress listener =
          new TrainProgress() {
            @Override
            public void say(String line) {
              said.add(line);
            }
          };
      trainer(cuda, rows, "cuda").progress(listener).run();
      assertArrayEquals(weights("cpu"), weights("cuda"));
      assertEquals(metrics("cpu"), metrics("cuda"));
      assertTrue(
          metrics("cuda").stream().anyMatch(line -> line.get("aux_loss").asDouble() > 0),
          "AuxK must have worked");
      assertTrue(said.get(1).contains(" of it on cuda:0: parameters "), said.get(1));
      assertEquals(evaluation(cpu, rows), evaluation(cuda, rows));
    }
  }

  private Evaluation evaluation(Backend backend, MarkedRows rows) {
    try (SparseAutoencoder sae = SaeReader.read(folder.resolve("cuda"));
        PlacedAutoencoder placed = PlacedAutoencoder.place(backend, sae)) {
      return Evaluator.evaluate(backend, placed, rows, done -> {});
    }
  }

  @Test
  void shouldGoOnFromACheckpointOfEitherDevice() throws IOException {
    try (MarkedRows rows = rows()) {
      trainer(cpu, rows, "whole").run();
      interrupt(cuda, rows, 5);
      assertEquals(3, Checkpoint.read(folder.resolve("broken")).step());
      interrupt(cpu, rows, 8);
      assertEquals(6, Checkpoint.read(folder.resolve("broken")).step());
      trainer(cuda, rows, "broken").start(Trainer.Start.RESUME).run();
      assertArrayEquals(weights("whole"), weights("broken"));
      assertEquals(metrics("whole"), metrics("broken"));
    }
  }

  private void interrupt(Backend backend, MarkedRows rows, long atStep) {
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
    Trainer trainer = trainer(backend, rows, "broken").start(Trainer.Start.RESUME);
    assertThrows(Stop.class, trainer.progress(stopper)::run);
  }
}
