package dev.coxswain.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the README shows is what is compiled and there. */
class ReadmeTest {
  private static final Path ROOT = Path.of(System.getProperty("cox.root", ".."));

  @Test
  void shouldShowTheJavaExampleAsItIsCompiled() throws IOException {
    String source =
        read("java/src/test/java/dev/coxswain/examples/SteerByWord.java")
            .replaceAll("(?s).*// README begin\n|  // README end.*", "")
            .replaceAll("(?m)^  ", "");
    assertEquals(source, block("java"));
  }

  @Test
  void shouldShowTheHostExampleAsItIsCompiled() throws IOException {
    String shown = block("c").strip();
    assertTrue(read("docs/examples/host.c").contains(shown), "docs/examples/host.c differs");
  }

  @Test
  void shouldNameEveryCommand() throws IOException {
    String readme = read("README.md");
    Matcher commands =
        Pattern.compile("(?m)^@Command\\(\\s*name = \"([a-z-]+)\"")
            .matcher(sources("java/src/main/java/dev/coxswain/cli"));
    int found = 0;
    while (commands.find()) {
      found++;
      String command = commands.group(1);
      assertTrue(readme.contains("`" + command), () -> "README.md does not name " + command);
    }
    assertTrue(found > 10, "commands were found at all");
  }

  @Test
  void shouldLinkOnlyToFilesThatAreThere() throws IOException {
    Matcher links = Pattern.compile("\\]\\(([^)#:]+)\\)").matcher(read("README.md"));
    while (links.find()) {
      assertTrue(Files.exists(ROOT.resolve(links.group(1))), links::group);
    }
  }

  private static String block(String language) throws IOException {
    Matcher block = Pattern.compile("(?s)```" + language + "\n(.*?)```").matcher(read("README.md"));
    assertTrue(block.find(), "README.md has no " + language + " example");
    return block.group(1);
  }

  private static String sources(String folder) throws IOException {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> files = Files.list(ROOT.resolve(folder))) {
      for (Path file : files.toList()) {
        text.append(Files.readString(file));
      }
    }
    return text.toString();
  }

  private static String read(String path) throws IOException {
    return Files.readString(ROOT.resolve(path));
  }
}
