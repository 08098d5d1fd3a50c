package dev.coxswain.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class NearWordsTest {
  @Test
  void shouldNameTheWordsThatLookAlikeFirst() {
    List<String> vocabulary =
        List.of("church", "scholar", "war", "schools", "money", "school", "water", "cool");
    assertEquals("school", NearWords.of("schol", vocabulary).get(0));
    assertEquals(
        List.of("schools", "school", "scholar"), NearWords.of("schoolz", vocabulary).subList(0, 3));
  }
}
