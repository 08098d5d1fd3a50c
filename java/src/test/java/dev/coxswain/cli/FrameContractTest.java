package dev.coxswain.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.cli.CoxProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine.Command;

/** What holds for every command: help, exit codes, one line for an error, streams that close. */
@Tag("cli")
class FrameContractTest {
  @TempDir Path folder;

  static Stream<String> commands() {
    return Main.COMMANDS.stream().map(type -> type.getAnnotation(Command.class).name());
  }

  @Test
  void shouldPrintHelpThatNamesEveryCommandWhenCalledAlone() {
    Result result = CoxProcess.run(folder).ok();
    assertEquals("", result.err());
    Stream.concat(commands(), Stream.of("test", "bench", "bundle", "softcuda"))
        .forEach(name -> assertTrue(result.out().contains("\n  " + name + " "), name));
  }

  @Test
  void shouldRegisterCommandsInAlphabeticalOrder() {
    assertEquals(commands().sorted().toList(), commands().toList());
  }

  @ParameterizedTest
  @MethodSource("commands")
  void shouldExplainACommandOnHelp(String command) {
    Result result = CoxProcess.run(folder, command, "--help").ok();
    assertTrue(result.out().startsWith("Usage: cox " + command), result::toString);
    assertEquals("", result.err());
    assertEquals(result.out(), CoxProcess.run(folder, "help", command).ok().out());
  }

  @ParameterizedTest
  @MethodSource("commands")
  void shouldRefuseAnUnknownOptionInOneLine(String command) {
    String line = CoxProcess.run(folder, command, "--no-such\noption").oneErrorLine(2);
    assertTrue(line.endsWith("(see 'cox " + command + " --help')"), line);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void shouldRefuseNoThreadsWhereverThreadsAreChosen(String command) {
    boolean chosen = CoxProcess.run(folder, command, "--help").out().contains("--threads=N");
    String line = CoxProcess.run(folder, command, "--threads", "0").oneErrorLine(2);
    assertEquals(chosen, line.contains("'0' is not a number of threads from 1 to"), line);
  }

  @Test
  void shouldRefuseAnUnknownCommandInOneLine() {
    assertEquals(
        "cox: unknown command 'sing' (the commands are listed by 'cox --help')",
        CoxProcess.run(folder, "sing").oneErrorLine(2));
    assertEquals(
        "cox: unknown option '--sing' (the commands are listed by 'cox --help')",
        CoxProcess.run(folder, "--sing").oneErrorLine(2));
  }

  @Test
  void shouldPrintItsVersion() {
    assertTrue(CoxProcess.run(folder, "--version").ok().out().matches("cox \\d+\\.\\d+\\.\\d+\n"));
  }

  @Test
  void shouldSayWhyStandardOutputCannotBeWritten() {
    Result result = CoxProcess.bash(folder, "\"$COX\" devices >/dev/full");
    assertEquals(
        "cox: cannot write standard output: No space left on device", result.oneErrorLine(1));
  }

  @Test
  void shouldBeQuietWhenItsReaderIsGone() {
    Result closedPipe = CoxProcess.bash(folder, "\"$COX\" | true; exit ${PIPESTATUS[0]}").ok();
    Result closedStream = CoxProcess.bash(folder, "\"$COX\" devices >&-").ok();
    assertEquals("", closedPipe.err() + closedStream.err());
  }

  @Test
  void shouldRunThroughALinkFromAnyFolder() throws IOException {
    Path link = folder.resolve("a link");
    Files.createSymbolicLink(link, CoxProcess.ROOT.resolve("cox").toAbsolutePath());
    CoxProcess.bash(folder, "cd / && '" + link + "' --version").ok();
  }
}
