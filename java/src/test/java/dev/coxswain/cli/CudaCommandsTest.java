package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.backend.DeviceStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** Every command that computes writes on CUDA, byte for byte, what it writes on the CPU. */
@Tag("cuda")
class CudaCommandsTest {
  /** Figures of time, which differ from run to run. */
  private static final List<String> TIMED = List.of("metrics.jsonl", "train.json");

  @TempDir Path folder;

  @BeforeEach
  void writeInputs() throws Exception {
    Sample.write(folder);
    run("encode --sae DIR/sae --in DIR/x.safetensors --out DIR/a.safetensors", "cpu");
    run(
        "explain --sae DIR/sae --vocabulary DIR/v.safetensors --words DIR/v.words.txt --top 2"
            + " --out DIR/e.jsonl",
        "cpu");
  }

  private void run(String line, String device) throws Exception {
    String[] words =
        Arrays.stream((line + " --device " + device).split(" +"))
            .map(word -> word.replace("DIR", folder.toString()))
            .toArray(String[]::new);
    Class<? extends BaseCommand> type =
        Main.COMMANDS.stream()
            .filter(each -> each.getAnnotation(Command.class).name().equals(words[0]))
            .findFirst()
            .orElseThrow();
    CommandLine command = Main.commandLine(type);
    command.parseArgs(Arrays.copyOfRange(words, 1, words.length));
    ((BaseCommand) command.getCommandSpec().userObject()).run();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "encode --sae DIR/sae --in DIR/x.safetensors --out OUT",
        "encode --sae DIR/sae --in DIR/empty.safetensors --out OUT",
        "decode --sae DIR/sae --in DIR/a.safetensors --out OUT",
        "steer --sae DIR/sae --plan DIR/plan.json --in DIR/x.safetensors --out OUT",
        "explain --sae DIR/sae --vocabulary DIR/v.safetensors --words DIR/v.words.txt --top 3"
            + " --out OUT",
        "contexts --sae DIR/sae --in DIR/harvest --top 3 --out OUT",
        "train --in DIR/harvest --features 24 --k 3 --batch 16 --steps 6 --threads 1 --out OUT"
      })
  void shouldWriteTheSameBytesOnBothDevices(String line) throws Exception {
    run(line.replace("OUT", "DIR/onCpu"), "cpu");
    run(line.replace("OUT", "DIR/onCuda"), "cuda:0");
    Path cpu = folder.resolve("onCpu");
    Path cuda = folder.resolve("onCuda");
    if (Files.isRegularFile(cpu)) {
      assertArrayEquals(Files.readAllBytes(cpu), Files.readAllBytes(cuda), line);
      return;
    }
    Map<String, Long> files = Sample.files(cpu);
    assertEquals(files.keySet(), Sample.files(cuda).keySet());
    for (String file : files.keySet()) {
      if (!TIMED.contains(file)) {
        assertArrayEquals(
            Files.readAllBytes(cpu.resolve(file)), Files.readAllBytes(cuda.resolve(file)), file);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evaluate --sae DIR/sae --in DIR/harvest --json",
        "evaluate-explanations --sae DIR/sae --explanations DIR/e.jsonl --in DIR/harvest"
            + " --min-count 1 --json",
        "devices --json"
      })
  void shouldRunOnCudaWithoutAnError(String line) throws Exception {
    run(line, "cuda:0");
  }

  @Test
  void shouldSayThatTheDriverIsTheSoftwareOne() {
    DeviceStatus cuda = Engine.devices(1).get(1);
    assertEquals(Device.Kind.CUDA, cuda.kind());
    assertTrue(cuda.unusable().isEmpty(), cuda.toString());
    assertTrue(
        cuda.details().get("devices").toString().contains("software CUDA driver (test)"),
        cuda.toString());
  }
}
