package dev.coxswain.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class FeatureIndexTest {
  private static ExplainedWord word(String word, double score) {
    return new ExplainedWord(word, score, 0, 0);
  }

  private final FeatureIndex index =
      new FeatureIndex(
          List.of(
              new Explanation(0, List.of(word("school", 0.5), word("war", 0.2))),
              new Explanation(1, List.of(word("School", 0.7), word("bus", 0.1))),
              new Explanation(2, List.of(word("war", 0.5))),
              new Explanation(3, List.of(word("peace", 0.9)))));

  private List<Integer> find(String... words) {
    return index.find(List.of(words)).stream().map(FeatureIndex.Match::feature).toList();
  }

  @Test
  void shouldFindTheBestFeatureOfAWordFirst() {
    assertEquals(List.of(1, 0), find("school"));
    assertEquals(List.of(1, 0), find("SCHOOL"));
    assertEquals(List.of(), find("piano"));
  }

  @Test
  void shouldRankByTheSumOverWordsThenByLowerFeature() {
    assertEquals(List.of(0, 1, 2), find("war", "school"));
    assertEquals(List.of(0, 1, 2), find("war", "school", "war"));
    FeatureIndex.Match best = index.find(List.of("war", "school", "bus")).get(0);
    assertEquals(1, best.feature());
    assertEquals(0.8, best.score(), 1e-12);
    assertEquals(List.of("school", "bus"), best.matched());
  }
}
