package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.cli.CoxProcess.Result;
import dev.coxswain.io.Json;
import dev.coxswain.train.HoldOut;
import dev.coxswain.train.MarkedRows;
import dev.coxswain.train.TrainFigures;
import dev.coxswain.train.TrainOptions;
import dev.coxswain.train.TrainProgress;
import dev.coxswain.train.Trainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code cox train} and {@code cox evaluate} as a user meets them. */
@Tag("cli")
class TrainContractTest {
  private static final String TRAIN =
      "train --in harvest --features 32 --k 3 --steps 12 --batch 16 --out out";

  @TempDir Path folder;

  @BeforeEach
  void writeSample() {
    Sample.write(folder);
  }

  private Result cox(String line) {
    return CoxProcess.run(folder, (Object[]) line.split(" "));
  }

  @Test
  void shouldTrainOnAHarvestAndEvaluateOnItsHeldOutDocuments() {
    Result trained = cox(TRAIN + " --hold-out 0.5 --json").ok();
    JsonNode result = Json.parse(trained.out(), "stdout");
    assertEquals(12, result.get("steps").asInt());
    assertEquals(60, sum(result, "rows", "bos_rows", "massive_rows", "held_out_rows"));
    assertTrue(trained.err().contains("cox: memory "), trained.err());
    Json.read(folder.resolve("out/cfg.json"));
    assertEquals(12, Json.read(folder.resolve("out/train.json")).at("/last/step").asInt());

    JsonNode all = evaluate("");
    JsonNode heldOut = evaluate(" --held-out");
    assertEquals(57, sum(all, "rows", "massive_rows"));
    assertEquals(3, all.get("bos_rows").asInt());
    assertEquals(0, all.get("non_finite_rows").asInt());
    assertEquals(3.0, all.get("l0").asDouble(), 1.0);
    assertEquals(1, all.get("fvu").asDouble() + all.get("explained_variance").asDouble(), 1e-9);
    assertTrue(all.get("normalized_l2").asDouble() > 0);
    assertTrue(all.get("dead_fraction").asDouble() < 1);
    assertTrue(heldOut.get("rows").asInt() < all.get("rows").asInt());
  }

  private JsonNode evaluate(String more) {
    Result evaluated = cox("evaluate --sae out --in harvest --json" + more).ok();
    assertEquals("", evaluated.err());
    return Json.parse(evaluated.out(), "stdout");
  }

  private static int sum(JsonNode object, String... names) {
    return List.of(names).stream().mapToInt(name -> object.get(name).asInt()).sum();
  }

  @Test
  void shouldSayInWordsHowTrainingEnded() {
    String line = cox("train --in x.safetensors --features 9 --k 9 --steps 2 --out out").ok().out();
    assertTrue(line.startsWith("out: step 2, loss "), line);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--k 33      | 2 | k = 33 must not exceed features = 32",
        "--k 0       | 2 | k must be at least 1, was 0",
        "--bias-start middle| 2 | --bias-start must be mean or geometric-median, was middle",
        "--in none   | 1 | none",
        "--in empty.safetensors | 1 | no row can be trained on: 0 rows",
        "--in harvest wide.safetensors | 1 | wide.safetensors has rows of width 9, harvest of 8",
        "--in nan.safetensors | 1 | no row can be trained on: 2 rows, left out 2 not finite",
        "--in x.safetensors --hold-out 0.1 | 2 | x.safetensors knows no documents to hold out",
        "--out x.safetensors | 1 | x.safetensors is no folder",
        "--out /proc/out | 1 | /proc/out",
      })
  void shouldRefuseToTrainInOneLineAndWriteNothing(String option, int code, String part) {
    Sample.nan(folder.resolve("nan.safetensors"));
    Map<String, Long> before = Sample.files(folder);
    String name = option.strip().split(" ")[0];
    String line = TRAIN.replaceFirst(name + " \\S+", "") + " " + option.strip();
    String error = cox(line.replaceAll(" +", " ")).oneErrorLine(code);
    assertTrue(error.contains(part.strip()), error);
    assertEquals(before, Sample.files(folder));
    assertTrue(!Files.exists(folder.resolve("out")), "no folder is made");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--in empty.safetensors | 1 | no row to evaluate: 0 rows, left out none",
        "--in wide.safetensors  | 1 | the rows have 9 elements, the SAE reads 8",
        "--in nan.safetensors   | 1 | no row to evaluate: 2 rows, left out 2 not finite",
        "--in harvest --held-out| 2 | --held-out needs an SAE trained with --hold-out",
      })
  void shouldRefuseToEvaluateInOneLine(String options, int code, String part) {
    Sample.nan(folder.resolve("nan.safetensors"));
    String error = cox("evaluate --sae sae " + options.strip()).oneErrorLine(code);
    assertTrue(error.contains(part.strip()), error);
  }

  @Test
  void shouldRefuseToResumeWithOtherOptionsByName() {
    interruptAtStep(5);
    String without = cox(TRAIN).oneErrorLine(2);
    assertTrue(without.contains("out holds an interrupted run at step 4"), without);
    String other = cox(TRAIN + " --seed 4 --resume").oneErrorLine(2);
    assertTrue(other.contains("seed is 4, but the run to resume has 0"), other);
    Result resumed = cox(TRAIN + " --resume").ok();
    assertTrue(resumed.err().contains("resuming after step 4"), resumed.err());
    String again = cox(TRAIN + " --resume").ok().err();
    assertTrue(again.contains("is finished already"), again);
  }

  private void interruptAtStep(long step) {
    TrainProgress stopper =
        new TrainProgress() {
          @Override
          public void step(TrainFigures figures, long steps) {
            if (figures.step() == step) {
              throw new IllegalStateException("stop");
            }
          }
        };
    List<String> specs = List.of(folder.resolve("harvest").toString());
    TrainOptions options =
        TrainOptions.builder(Sample.D).features(32).k(3).steps(12).batchRows(16).build();
    try (Engine engine = Engine.open(Device.CPU, 1);
        MarkedRows rows = MarkedRows.open(specs, HoldOut.NONE, MarkedRows.Side.TRAINING)) {
      Trainer trainer =
          new Trainer(engine.backend(), rows, options, folder.resolve("out"))
              .checkpoints(1, Duration.ofHours(1))
              .progress(stopper);
      assertThrows(IllegalStateException.class, trainer::run);
    }
  }
}
