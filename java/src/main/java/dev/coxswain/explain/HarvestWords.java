package dev.coxswain.explain;

import dev.coxswain.io.Harvest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The whole words of a harvest's text, one after the other: maximal runs of letters, put together
 * from the tokens' pieces, in lower case. A word ends where a document or a context ends; a special
 * token ({@code <|im_start|>}) is no text. Reads the tokens block by block. Single-threaded.
 */
final class HarvestWords {
  private static final int BLOCK = 1 << 16;

  /**
   * A word in the text.
   *
   * @param row of the word's last token
   */
  record Occurrence(String word, long row) {}

  private final Harvest harvest;
  private final List<String> pieces;
  private final Deque<Occurrence> ready = new ArrayDeque<>();
  private final StringBuilder letters = new StringBuilder();
  private long lettersRow;
  private long nextRow;
  private int lastPosition = -1;
  private long lastDocument = -1;

  HarvestWords(Harvest harvest) {
    this.harvest = harvest;
    this.pieces = harvest.pieces();
  }

  /** The next word, by ascending row; empty at the end. */
  Optional<Occurrence> next() {
    while (ready.isEmpty() && nextRow < harvest.rows()) {
      readBlock();
    }
    return Optional.ofNullable(ready.poll());
  }

  private void readBlock() {
    long to = Math.min(harvest.rows(), nextRow + BLOCK);
    int[] tokens = harvest.tokens(nextRow, to);
    int[] positions = harvest.positions(nextRow, to);
    long[] documents = harvest.documents(nextRow, to);
    for (int i = 0; i < tokens.length; i++) {
      if (documents[i] != lastDocument || positions[i] != lastPosition + 1) {
        endWord();
      }
      lastDocument = documents[i];
      lastPosition = positions[i];
      addPiece(piece(tokens[i]), nextRow + i);
    }
    nextRow = to;
    if (nextRow == harvest.rows()) {
      endWord();
    }
  }

  private String piece(int token) {
    return token >= 0 && token < pieces.size() ? pieces.get(token) : "";
  }

  private void addPiece(String piece, long row) {
    if (isSpecial(piece)) {
      endWord();
      return;
    }
    for (int i = 0; i < piece.length(); ) {
      int letter = piece.codePointAt(i);
      i += Character.charCount(letter);
      if (Character.isLetter(letter)) {
        letters.appendCodePoint(letter);
        lettersRow = row;
      } else {
        endWord();
      }
    }
  }

  private void endWord() {
    if (letters.length() > 0) {
      ready.add(new Occurrence(letters.toString().toLowerCase(Locale.ROOT), lettersRow));
      letters.setLength(0);
    }
  }

  /** A control token's name rather than text. */
  static boolean isSpecial(String piece) {
    return piece.length() > 2 && piece.startsWith("<") && piece.endsWith(">");
  }
}
