package dev.coxswain.cli;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;

/** What {@code cox} alone prints. Reads names and descriptions only, so that it is quick. */
final class HelpText {
  /** Commands that the entry script carries out itself. */
  private static final Map<String, String> OF_THE_SCRIPT =
      Map.of(
          "bench", "Measure the operations and their share of what the machine allows.",
          "bundle", "Write an archive that runs on a machine with nothing but a GPU driver.",
          "softcuda", "Run a command on the software CUDA driver (from the source tree only).",
          "test", "Build and run every test.");

  private HelpText() {}

  private static String firstSentence(String text) {
    return text.replaceFirst("(?<=\\.)\\s.*", "");
  }

  static String overview(List<Class<? extends BaseCommand>> commands) {
    Map<String, String> lines = new TreeMap<>(OF_THE_SCRIPT);
    for (Class<? extends BaseCommand> type : commands) {
      Command command = type.getAnnotation(Command.class);
      lines.put(command.name(), firstSentence(command.description()[0]));
    }
    int width = lines.keySet().stream().mapToInt(String::length).max().orElse(0);
    StringBuilder text = new StringBuilder();
    text.append("cox: Top-K sparse autoencoders on the hidden states of a language model\n\n");
    text.append("Usage: cox COMMAND [OPTIONS]\n\nCommands:\n");
    lines.forEach(
        (name, line) ->
            text.append("  ")
                .append(name)
                .append(" ".repeat(width + 2 - name.length()))
                .append(line)
                .append('\n'));
    return text.append("\n'cox COMMAND --help' says what a command takes. Begin with 'cox demo'.\n")
        .toString();
  }
}
