package dev.coxswain.explain;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files of one word a line, in UTF-8. */
public final class WordList {
  private WordList() {}

  /**
   * @throws InvalidDataException for an empty file or line, or bytes that are not UTF-8
   */
  public static List<String> read(Path path) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(path);
    } catch (IOException e) {
      throw FileException.of("cannot read", path, e);
    }
    List<String> words = Json.decodeUtf8(bytes, 0, bytes.length, path.toString()).lines().toList();
    if (words.isEmpty()) {
      throw new InvalidDataException(path + " is empty; one word a line is needed");
    }
    for (int i = 0; i < words.size(); i++) {
      if (words.get(i).isBlank()) {
        throw new InvalidDataException(
            path + ", line " + (i + 1) + " is empty; one word a line is needed");
      }
    }
    return words;
  }

  public static void write(Path path, List<String> words) {
    AtomicFile.writeString(path, words.isEmpty() ? "" : String.join("\n", words) + "\n");
  }
}
