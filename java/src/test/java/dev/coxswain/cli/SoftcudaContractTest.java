package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coxswain.cli.CoxProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code cox softcuda}: a command or a program on the software CUDA driver. */
@Tag("cli")
class SoftcudaContractTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  private String refused(int code, Object... arguments) {
    Object[] all = new Object[arguments.length + 1];
    all[0] = "softcuda";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return CoxProcess.run(folder, all).oneErrorLine(code);
  }

  @Test
  void shouldExplainItself() {
    String out = CoxProcess.run(folder, "softcuda", "--help").ok().out();
    assertTrue(out.startsWith("Usage: cox softcuda [OPTION...] COMMAND"), out);
  }

  @Test
  void shouldShowTheDeviceThatItIsToldToAndSayThatItIsNone() throws IOException {
    Result result =
        CoxProcess.run(
                folder, "softcuda", "--device-preset", "sm_80", "--seed", "3", "devices", "--json")
            .ok();
    JsonNode device = JSON.readTree(result.out()).at("/cuda/devices/0");
    assertEquals("8.0", device.get("compute_capability").asText());
    assertTrue(
        device.get("name").asText().startsWith("software CUDA driver (test)"), result::toString);
  }

  @Test
  void shouldComputeTheSameBitsAsTheCpuAndCountWhatTheKernelsDid() throws IOException {
    Sample.write(folder);
    Path counters = folder.resolve("counters.jsonl");
    List<String> encode = List.of("encode", "--sae", "sae", "--in", "x.safetensors");
    CoxProcess.bash(folder, "\"$COX\" " + String.join(" ", encode) + " --device cpu --out a").ok();
    CoxProcess.bash(
            folder,
            "\"$COX\" softcuda --counters counters.jsonl "
                + String.join(" ", encode)
                + " --device cuda --out b")
        .ok();
    assertArrayEquals(
        Files.readAllBytes(folder.resolve("a")), Files.readAllBytes(folder.resolve("b")));
    List<String> lines = Files.readAllLines(counters);
    assertTrue(!lines.isEmpty(), "no kernel was counted");
    for (String line : lines) {
      JsonNode kernel = JSON.readTree(line);
      assertTrue(kernel.get("kernel").asText().startsWith("cox_"), line);
      assertTrue(kernel.get("launches").asLong() > 0, line);
      assertTrue(kernel.at("/counters/warpInstructions").asLong() > 0, line);
    }
  }

  @Test
  void shouldPassAProgramItsSettingsAndTheDriver() {
    Result result =
        CoxProcess.bash(
            folder,
            "\"$COX\" softcuda --seed 5 --order random --checks all,-pageable exec bash -c 'echo"
                + " $SOFTCUDA_SEED $SOFTCUDA_ORDER $SOFTCUDA_CHECKS; ls"
                + " ${LD_LIBRARY_PATH%%:*}/libcuda.so.1; exit 7'");
    assertEquals(7, result.code(), result::toString);
    assertTrue(result.out().startsWith("5 random all,-pageable\n/"), result::toString);
  }

  @Test
  void shouldFailWhereTheCheckersFoundSomethingThoughTheProgramSaysNothing() {
    Result result =
        CoxProcess.bash(
            folder,
            "\"$COX\" softcuda --findings f exec bash -c 'echo {} >> $SOFTCUDA_FINDINGS; exit 0'");
    assertEquals(1, result.code(), result::toString);
    assertEquals("cox: softcuda: 1 finding(s)\n", result.err());
    assertTrue(Files.exists(folder.resolve("f")));
  }

  @Test
  void shouldRefuseWrongUsageInOneLine() {
    assertEquals("cox: softcuda: no command given; see cox softcuda --help", refused(2));
    assertEquals(
        "cox: softcuda: unknown option '--sed'; see cox softcuda --help",
        refused(2, "--sed", "1", "devices"));
    assertEquals(
        "cox: softcuda: --seed needs a value; see cox softcuda --help", refused(2, "--seed"));
    assertEquals(
        "cox: softcuda: --seed '-1': expected a number; see cox softcuda --help",
        refused(2, "--seed", "-1", "devices"));
    assertEquals(
        "cox: softcuda: --device-preset 'sm_70': expected one of sm_80 sm_89 sm_90;"
            + " see cox softcuda --help",
        refused(2, "--device-preset", "sm_70", "devices"));
    assertEquals(
        "cox: softcuda: exec: no program given; see cox softcuda --help", refused(2, "exec"));
  }

  @Test
  void shouldRefuseAProgramOrAFileThatCannotBe() {
    assertEquals(
        "cox: softcuda: exec: no program 'no-such-program'", refused(1, "exec", "no-such-program"));
    assertEquals(
        "cox: softcuda: --counters: cannot write 'no/such/file'",
        refused(1, "--counters", "no/such/file", "devices"));
  }
}
