package dev.coxswain.explain;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    List<String> words = lines(path, bytes);
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

  /** Decoded line by line, so that an error names its line. */
  private static List<String> lines(Path path, byte[] bytes) {
    List<String> lines = new ArrayList<>();
    for (int start = 0, end; start < bytes.length; start = end + 1) {
      end = start;
      while (end < bytes.length && bytes[end] != '\n') {
        end++;
      }
      int length = end > start && bytes[end - 1] == '\r' ? end - 1 - start : end - start;
      String where = path + ", line " + (lines.size() + 1);
      lines.add(Json.decodeUtf8(bytes, start, length, where));
    }
    return lines;
  }

  public static void write(Path path, List<String> words) {
    AtomicFile.writeString(path, words.isEmpty() ? "" : String.join("\n", words) + "\n");
  }
}
