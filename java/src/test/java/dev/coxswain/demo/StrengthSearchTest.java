package dev.coxswain.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class StrengthSearchTest {
  @Test
  void shouldStayWithinTheBudgetAndComeCloseToIt() {
    for (double scale : new double[] {0.1, 1, 4, 60}) {
      StrengthSearch search = search(StrengthSearch.Goal.WITHIN, r -> scale * Math.pow(r, 2.3));
      double kl = search.chosen().orElseThrow().kl();
      assertTrue(kl <= 0.3 && kl >= 0.94 * 0.3, () -> "KL " + kl + " at scale " + scale);
      assertTrue(search.trials().size() <= 5, () -> search.trials().toString());
    }
  }

  @Test
  void shouldFindTheSameKlForAYardstick() {
    StrengthSearch search = search(StrengthSearch.Goal.EQUAL, r -> 3 * r * r + 8 * r * r * r);
    assertEquals(0.3, search.chosen().orElseThrow().kl(), 0.04 * 0.3);
  }

  @Test
  void shouldChooseNothingWhenEveryStrengthIsTooMuch() {
    StrengthSearch search = search(StrengthSearch.Goal.WITHIN, r -> 9);
    assertTrue(search.chosen().isEmpty());
    assertEquals(7, search.trials().size());
  }

  @Test
  void shouldEndWhenNothingItDoesMatters() {
    StrengthSearch search = search(StrengthSearch.Goal.WITHIN, r -> 0);
    assertEquals(7, search.trials().size());
  }

  private static StrengthSearch search(StrengthSearch.Goal goal, DoubleUnaryOperator klAt) {
    StrengthSearch search = new StrengthSearch(goal, 0.3, 0.25);
    while (search.next().isPresent()) {
      double strength = search.next().getAsDouble();
      search.add(new Measured(strength, 5 * strength, klAt.applyAsDouble(strength), 3.4));
    }
    return search;
  }
}
