package dev.coxswain.demo;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Words of a vocabulary that look like one it lacks. */
final class NearWords {
  private static final int SHOWN = 5;

  private NearWords() {}

  /** The nearest by number of letters to change; a shared beginning counts half of one. */
  static List<String> of(String word, Collection<String> vocabulary) {
    return vocabulary.stream()
        .sorted(Comparator.comparingDouble(other -> distance(word, other)))
        .limit(SHOWN)
        .toList();
  }

  private static double distance(String a, String b) {
    int shared = 0;
    while (shared < Math.min(a.length(), b.length()) && a.charAt(shared) == b.charAt(shared)) {
      shared++;
    }
    return edits(a, b) - 0.5 * shared;
  }

  /** Levenshtein's. */
  private static int edits(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
