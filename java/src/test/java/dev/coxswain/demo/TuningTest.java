package dev.coxswain.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import java.util.List;
import org.junit.jupiter.api.Test;

class TuningTest {
  private static final Subject FEATURES = Subject.features(List.of(3, 5));
  private static final Subject VECTOR = Subject.wordVector("v.safetensors", 7);
  private static final Subject RANDOM = Subject.randomFeatures(1, List.of(8, 9));

  private int rounds;

  @Test
  void shouldCompareTheYardsticksAtTheKlOfTheFeatures() {
    Tuning tuning = new Tuning(this::measure);
    Measured kept = tuning.withinBudget(FEATURES, 0.3);
    assertTrue(kept.kl() <= 0.3 && kept.kl() > 0.28);
    List<Measured> yardsticks = tuning.atTheSameKl(List.of(VECTOR, RANDOM), kept);
    assertEquals(kept.kl(), yardsticks.get(0).kl(), 0.04 * kept.kl());
    assertEquals(kept.kl(), yardsticks.get(1).kl(), 0.04 * kept.kl());
    assertTrue(yardsticks.get(1).strength() > yardsticks.get(0).strength());
  }

  @Test
  void shouldMeasureTheTrialsOfARoundTogether() {
    Tuning tuning = new Tuning(this::measure);
    Measured kept = tuning.withinBudget(FEATURES, 0.3);
    int before = rounds;
    tuning.atTheSameKl(List.of(VECTOR, RANDOM, RANDOM), kept);
    assertTrue(rounds - before <= 5, () -> rounds + " rounds");
  }

  @Test
  void shouldListEveryTrialWithItsMethodAndStrength() {
    Tuning tuning = new Tuning(this::measure);
    Measured kept = tuning.withinBudget(FEATURES, 0.3);
    int searched = tuning.table().size();
    tuning.around(FEATURES, kept);
    JsonNode last = tuning.table().get(searched + 2);
    assertEquals(searched + 3, tuning.table().size());
    assertEquals("features", last.get("method").asText());
    assertEquals(1.25 * kept.strength(), last.get("strength_relative").asDouble(), 1e-12);
  }

  @Test
  void shouldSaySoWhenNothingStaysWithinTheBudget() {
    Tuning tuning =
        new Tuning(
            trials -> trials.stream().map(t -> new Measured(t.strength(), 1, 40, 3)).toList());
    InvalidDataException e =
        assertThrows(InvalidDataException.class, () -> tuning.withinBudget(FEATURES, 0.3));
    assertTrue(e.getMessage().startsWith("no strength of these features stays within KL 0.3"));
  }

  private List<Measured> measure(List<Tuning.Trial> trials) {
    rounds++;
    return trials.stream().map(TuningTest::measure).toList();
  }

  private static Measured measure(Tuning.Trial trial) {
    double scale = trial.subject().equals(RANDOM) ? 1.5 : trial.subject().equals(VECTOR) ? 3 : 4;
    double kl = scale * Math.pow(trial.strength(), 2.2);
    return new Measured(trial.strength(), 5 * trial.strength(), kl, 3 + kl);
  }
}
