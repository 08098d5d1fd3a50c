package dev.coxswain.model;

import java.util.ArrayList;
import java.util.List;

/**
 * The Brown corpus as plain text. Its files hold a sentence a line, tokens as {@code word/tag}, and
 * blank lines between paragraphs.
 */
final class BrownText {
  private static final String NO_SPACE_BEFORE = ",.;:?!)]%";

  private final StringBuilder text = new StringBuilder();
  private boolean glued = true;
  private boolean insideSingleQuotes;
  private String previous = "";

  private BrownText() {}

  /** A document's text: paragraphs apart by a blank line, quotes and punctuation as one writes. */
  static String detag(String tagged) {
    List<String> paragraphs = new ArrayList<>();
    BrownText paragraph = new BrownText();
    for (String line : tagged.split("\n", -1)) {
      if (line.isBlank()) {
        paragraph = paragraph.finish(paragraphs);
      } else {
        paragraph.addSentence(line.strip().split("\\s+"));
      }
    }
    paragraph.finish(paragraphs);
    return String.join("\n\n", paragraphs);
  }

  private BrownText finish(List<String> paragraphs) {
    if (text.length() == 0) {
      return this;
    }
    paragraphs.add(text.toString().strip());
    return new BrownText();
  }

  private void addSentence(String[] tokens) {
    previous = "";
    boolean heading = true;
    for (String token : tokens) {
      int slash = token.lastIndexOf('/');
      add(slash <= 0 ? token : token.substring(0, slash));
      heading &= token.endsWith("-hl");
    }
    if (heading) {
      text.append('\n');
      glued = true;
    }
  }

  private void add(String word) {
    // The corpus writes a sentence's last ; ? ! or : twice.
    if (word.equals(previous) && word.length() == 1 && ";?!:".contains(word)) {
      return;
    }
    // An abbreviation's full stop ends the sentence too.
    if (word.equals(".") && previous.endsWith(".")) {
      return;
    }
    previous = word;
    switch (word) {
      case "``" -> open("\"");
      case "''" -> close("\"");
      case "'" -> single();
      case "(", "[" -> open(word);
      default -> plain(word);
    }
  }

  private void single() {
    if (insideSingleQuotes) {
      close("'");
    } else {
      open("'");
    }
    insideSingleQuotes = !insideSingleQuotes;
  }

  private void open(String mark) {
    space();
    text.append(mark);
    glued = true;
  }

  private void close(String mark) {
    text.append(mark);
    glued = false;
  }

  private void plain(String word) {
    if (word.length() > 1 || NO_SPACE_BEFORE.indexOf(word.charAt(0)) < 0) {
      space();
    }
    text.append(word.replace("''", "\"").replace("``", "\""));
    glued = false;
  }

  private void space() {
    if (!glued) {
      text.append(' ');
    }
  }
}
