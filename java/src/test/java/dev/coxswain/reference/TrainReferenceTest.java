package dev.coxswain.reference;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.TrainStep;
import dev.coxswain.reference.TrainReference.Forward;
import dev.coxswain.reference.TrainReference.Parameters;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The reference itself: its gradient against finite differences of its loss. */
class TrainReferenceTest {
  private static final int FEATURES = 14;
  private static final int WIDTH = 6;
  private static final int ROWS = 9;
  private static final TrainStep STEP =
      new TrainStep(4, 3, 0.3f, 10, 3, 1e-3f, 0.9f, 0.999f, 6.25e-10f);

  private final long seed = Long.getLong("cox.seed", System.nanoTime());
  private final Random random = new Random(seed);

  @Test
  void shouldMatchFiniteDifferencesOfTheLossInEveryParameter() {
    System.out.println("TrainReferenceTest seed " + seed);
    boolean[] dead = new boolean[FEATURES];
    for (int c = 5; c < FEATURES; c++) {
      dead[c] = true;
    }
    Parameters p = parameters();
    double[][] x = rows();
    Forward base = TrainReference.forward(p, x, STEP, dead);
    while (base.smallestGap() < 1e-3 || smallestActivation(base) < 1e-3) {
      p = parameters();
      x = rows();
      base = TrainReference.forward(p, x, STEP, dead);
    }
    Parameters gradient = TrainReference.gradient(p, x, STEP, dead, base);
    assertTrue(base.auxLoss() > 0, "AuxK must take part");
    double largest = 0;
    for (int part = 0; part < p.arrays().length; part++) {
      for (int j = 0; j < p.arrays()[part].length; j++) {
        double numeric = difference(p, part, j, x, dead, base);
        double analytic = gradient.arrays()[part][j];
        assertEquals(numeric, analytic, 1e-7, "part " + part + ", element " + j + ", seed " + seed);
        largest = Math.max(largest, Math.abs(analytic));
      }
    }
    assertTrue(largest > 1e-2, "the gradient must not vanish");
  }

  private static double difference(
      Parameters p, int part, int j, double[][] x, boolean[] dead, Forward base) {
    double h = 1e-6;
    Parameters up = p.copy();
    Parameters down = p.copy();
    up.arrays()[part][j] += h;
    down.arrays()[part][j] -= h;
    double[][] target = base.error();
    double above = TrainReference.forward(up, x, STEP, dead, target).loss(STEP);
    double below = TrainReference.forward(down, x, STEP, dead, target).loss(STEP);
    return (above - below) / (2 * h);
  }

  /** A score near 0 would cross ReLU's kink within a finite difference. */
  private static double smallestActivation(Forward f) {
    double smallest = 1;
    for (int i = 0; i < ROWS; i++) {
      for (int c = 0; c < FEATURES; c++) {
        smallest = f.a()[i][c] > 0 ? Math.min(smallest, f.a()[i][c]) : smallest;
        smallest = f.aux()[i][c] > 0 ? Math.min(smallest, f.aux()[i][c]) : smallest;
      }
    }
    return smallest;
  }

  private Parameters parameters() {
    Parameters p = Parameters.zeros(FEATURES, WIDTH);
    for (double[] part : p.arrays()) {
      for (int j = 0; j < part.length; j++) {
        part[j] = 0.4 * random.nextGaussian();
      }
    }
    return p;
  }

  private double[][] rows() {
    double[][] x = new double[ROWS][WIDTH];
    for (double[] row : x) {
      for (int e = 0; e < WIDTH; e++) {
        row[e] = random.nextGaussian();
      }
    }
    return x;
  }
}
