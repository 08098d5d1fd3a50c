package dev.coxswain.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.error.InvalidDataException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FeatureChoiceTest {
  private static final Explained EXPLAINED =
      new Explained(
          List.of(
              words("school", 0.5, "teacher", 0.4),
              words("war", 0.9, "army", 0.8),
              words("class", 0.7, "school", 0.2),
              words("school", 0.1, "army", 0.05),
              words("teacher", 0.3, "class", 0.3)));

  private static final double[] COSINES = {0.2, 0.9, 0.7, 0.4, 0.99};

  @Test
  void shouldTakeTheFeaturesThatWriteMostInTheWordsDirection() {
    FeatureChoice choice =
        FeatureChoice.of("school", EXPLAINED, (word, of) -> COSINES[of.get(0)], 2);
    assertEquals(List.of(2, 3), choice.features());
  }

  @Test
  void shouldFillUpWithFeaturesThatWriteTheWordWithoutHavingIt() {
    FeatureChoice choice =
        FeatureChoice.of("school", EXPLAINED, (word, of) -> COSINES[of.get(0)], 4);
    assertEquals(List.of(2, 3, 0, 4), choice.features());
  }

  @Test
  void shouldMeasureOnTheWordAndTheOthersThatTheFeaturesTogetherWrite() {
    Map<String, Double> cosines = Map.of("school", 0.1, "teacher", 0.5, "class", 0.3, "army", 0.6);
    FeatureChoice choice =
        FeatureChoice.of("school", EXPLAINED, (word, of) -> cosines.get(word), 3);
    assertEquals(List.of(0, 2, 3), choice.features());
    assertEquals(List.of("school", "army", "teacher", "class"), choice.words());
  }

  @Test
  void shouldSuggestWordsWhenNoFeatureHasTheOneAskedFor() {
    InvalidDataException e =
        assertThrows(
            InvalidDataException.class,
            () -> FeatureChoice.of("scholl", EXPLAINED, (word, of) -> 0, 4));
    assertEquals(
        "no feature is explained by 'scholl'; words that features do have, and that look like it:"
            + " school, class, teacher, war, army",
        e.getMessage());
  }

  private static List<Explained.Word> words(String a, double x, String b, double y) {
    return List.of(new Explained.Word(a, x), new Explained.Word(b, y));
  }
}
