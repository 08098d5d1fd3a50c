package dev.coxswain.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.testing.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills a training JVM with SIGKILL at random moments until it gets through. */
class KillAndResumeTest {
  private static final int MOST_KILLS = 3;
  private static final int STEPS = 150;

  @TempDir Path folder;
  private final SplittableRandom random = new SplittableRandom(Seeds.next("KillAndResumeTest"));

  /** The child: a run with a checkpoint every third step. Arguments: output folder, input files. */
  public static void main(String[] arguments) {
    List<String> specs = List.of(arguments).subList(1, arguments.length);
    train(Path.of(arguments[0]), specs, Trainer.Start.RESUME);
  }

  private static void train(Path out, List<String> specs, Trainer.Start start) {
    TrainOptions options =
        TrainOptions.builder(48)
            .features(600)
            .k(6)
            .steps(STEPS)
            .batchRows(512)
            .shuffleRows(700)
            .seed(3)
            .build();
    try (Engine engine = Engine.open(Device.CPU, 2);
        MarkedRows rows = MarkedRows.open(specs, HoldOut.NONE, MarkedRows.Side.TRAINING)) {
      new Trainer(engine.backend(), rows, options, out)
          .start(start)
          .checkpoints(3, Duration.ofHours(1))
          .run();
    }
  }

  @Test
  void shouldEndWithTheSameBitsHoweverOftenItIsKilled() throws Exception {
    List<String> specs = new PlantedRows(200, 48, 5, 1).write(folder, 2, 1200);
    train(folder.resolve("whole"), specs, Trainer.Start.NEW);
    Path out = folder.resolve("killed");
    int kills = 0;
    while (kills < MOST_KILLS && killed(child(out, specs), out)) {
      kills++;
    }
    Process last = child(out, specs);
    assertTrue(last.waitFor(100, TimeUnit.SECONDS), "the last child must finish");
    assertEquals(0, last.exitValue());
    assertTrue(kills > 0, "at least one run must have been killed at work");
    assertArrayEquals(weights("whole"), weights("killed"));
    try (var left = Files.list(out)) {
      assertTrue(
          left.noneMatch(path -> path.toString().endsWith(".tmp")), "no temporary file stays");
    }
  }

  /** Waits until the child makes steps, then a random while, and kills it; false if it was done. */
  private boolean killed(Process child, Path out) throws Exception {
    Path metrics = out.resolve("metrics.jsonl");
    long before = size(metrics);
    while (child.isAlive() && size(metrics) == before) {
      Thread.sleep(2);
    }
    Thread.sleep(random.nextInt(200));
    boolean alive = child.isAlive();
    child.destroyForcibly();
    child.waitFor();
    return alive;
  }

  private static long size(Path path) throws IOException {
    return Files.exists(path) ? Files.size(path) : -1;
  }

  private byte[] weights(String out) throws IOException {
    return Files.readAllBytes(folder.resolve(out).resolve("sae_weights.safetensors"));
  }

  private static Process child(Path out, List<String> specs) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-cp", System.getProperty("java.class.path")));
    command.add(KillAndResumeTest.class.getName());
    command.add(out.toString());
    command.addAll(specs);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(out.resolveSibling("child.log").toFile())
        .start();
  }
}
