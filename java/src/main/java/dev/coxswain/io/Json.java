package dev.coxswain.io;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Strict JSON: UTF-8 without replacement, no duplicate keys, nothing after the value. */
public final class Json {
  /** Far beyond any configuration or line; keeps a mistaken file from filling the memory. */
  static final int MAX_BYTES = 256 << 20;

  private static final int SHOWN = 80;

  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Json() {}

  /** The one mapper; thread-safe, not to be reconfigured. */
  public static ObjectMapper mapper() {
    return MAPPER;
  }

  /**
   * The value a file holds.
   *
   * @throws FileException where it can't be read
   * @throws InvalidDataException where it isn't one JSON value
   */
  public static JsonNode read(Path path) {
    byte[] bytes;
    try {
      if (Files.size(path) > MAX_BYTES) {
        throw new InvalidDataException(path + " is larger than any JSON file read here (256 MiB)");
      }
      bytes = Files.readAllBytes(path);
    } catch (IOException e) {
      throw FileException.of("cannot read", path, e);
    }
    return parse(decodeUtf8(bytes, 0, bytes.length, path.toString()), path.toString());
  }

  /**
   * @param where the file, or file and line, for the error
   */
  public static JsonNode parse(String text, String where) {
    try {
      JsonNode node = MAPPER.readTree(text);
      if (node == null || node.isMissingNode()) {
        throw new InvalidDataException(where + " is empty; a JSON value is needed");
      }
      return node;
    } catch (JsonProcessingException e) {
      throw new InvalidDataException(where + " is not valid JSON: " + reason(e), e);
    }
  }

  /** Strict decoding: an invalid byte is an error, never a replacement character. */
  public static String decodeUtf8(byte[] bytes, int offset, int length, String where) {
    try {
      CharBuffer text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(bytes, offset, length));
      return text.toString();
    } catch (CharacterCodingException e) {
      throw new InvalidDataException(where + " is not valid UTF-8", e);
    }
  }

  /** The parser's complaint in one line, with its place. */
  static String reason(JsonProcessingException e) {
    String text = e.getOriginalMessage().lines().findFirst().orElse("unreadable");
    if (e.getLocation() == null) {
      return text;
    }
    return text
        + " (line "
        + e.getLocation().getLineNr()
        + ", column "
        + e.getLocation().getColumnNr()
        + ")";
  }

  /** Text from a file as it may stand in an error: short, on one line. */
  static String shorten(String text) {
    String shown = text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text;
    return shown.replaceAll("\\p{Cntrl}", "?");
  }
}
