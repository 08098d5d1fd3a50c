package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What gpu-check and bundle refuse; what they do is run by scripts/bundle-test.sh. */
@Tag("cli")
class GpuCheckContractTest {
  @TempDir Path folder;

  @Test
  void shouldCheckNoCpu() {
    assertEquals(
        "cox: gpu-check checks a GPU: use --device cuda or cuda:N",
        CoxProcess.run(folder, "gpu-check", "--device", "cpu").oneErrorLine(2));
  }

  @Test
  void shouldRefuseAFileThatCannotBeWrittenBeforeItBegins() {
    assertEquals(
        "cox: cannot write nowhere/check.json: there is no folder " + folder.resolve("nowhere"),
        CoxProcess.run(folder, "gpu-check", "--out", "nowhere/check.json").oneErrorLine(1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | Missing required option: '--out=FILE.tar.gz' (see 'cox bundle --help')",
        "--out | --out needs a file's name (see 'cox bundle --help')",
        "--force | cox bundle does not take '--force' (see 'cox bundle --help')",
      })
  void shouldRefuseABundleWithoutAFileInOneLine(String argument, String reason) {
    Object[] arguments =
        argument.isEmpty() ? new Object[] {"bundle"} : new Object[] {"bundle", argument};
    assertEquals("cox: " + reason, CoxProcess.run(folder, arguments).oneErrorLine(2));
  }

  @Test
  void shouldRefuseABundleIntoAFolderThatIsNotThere() throws Exception {
    assertEquals(
        "cox: nowhere is no folder",
        CoxProcess.run(folder, "bundle", "--out", "nowhere/b.tar.gz").oneErrorLine(1));
    Files.createDirectory(folder.resolve("there"));
    assertEquals(
        "cox: there is a folder; name a file",
        CoxProcess.run(folder, "bundle", "--out", "there").oneErrorLine(2));
  }
}
