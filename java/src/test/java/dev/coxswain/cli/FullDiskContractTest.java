package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.cli.CoxProcess.Result;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a limit on the size of files stands for: a disk that is full in the middle of a write. */
@Tag("cli")
class FullDiskContractTest {
  private static final int ROWS = 40_000;

  @TempDir Path folder;

  @BeforeEach
  void writeSample() {
    Sample.write(folder);
    Sample.tensor(folder.resolve("large.safetensors"), "x", ROWS, Sample.D);
    CoxProcess.run(folder, "devices").ok(); // the native library is unpacked from now on
  }

  /** In units of 1 KiB: less than any large output, more than the JVM writes by itself. */
  private String error(String line) {
    Map<String, Long> before = Sample.files(folder);
    Result result = CoxProcess.bash(folder, "ulimit -f 256; exec \"$COX\" " + line);
    String error = result.oneErrorLine(1);
    assertEquals(before, Sample.files(folder), error);
    return error;
  }

  @Test
  void shouldSayThatSteeredRowsDoNotFit() {
    String line = "steer --sae sae --plan plan.json --in large.safetensors --out y.safetensors";
    assertTrue(error(line).matches("cox: .*y.safetensors: File too large"));
  }

  @Test
  void shouldSayThatActiveFeaturesDoNotFit() {
    String line = "encode --sae sae --in large.safetensors --out a.safetensors";
    assertTrue(error(line).matches("cox: .*a.safetensors: File too large"));
  }
}
