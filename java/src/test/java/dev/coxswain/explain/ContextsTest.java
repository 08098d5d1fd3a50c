package dev.coxswain.explain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.contract.Backends;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Harvest;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.testing.Harvests;
import dev.coxswain.testing.Seeds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("contract")
class ContextsTest {
  private static final long SEED = Seeds.next("ContextsTest");
  private static final int D = 6;

  @TempDir Path folder;

  /** Feature f reads and writes element f: its activation is the element itself, if positive. */
  static SparseAutoencoder identity(int d) {
    float[] unit = new float[d * d];
    for (int i = 0; i < d; i++) {
      unit[i * d + i] = 1;
    }
    return SparseAutoencoder.builder()
        .wEnc(HostTensor.ofFloats(Shape.of(d, d), unit))
        .bEnc(HostTensor.ofFloats(Shape.of(d), new float[d]))
        .wDec(HostTensor.ofFloats(Shape.of(d, d), unit))
        .bDec(HostTensor.ofFloats(Shape.of(d), new float[d]))
        .relu()
        .build();
  }

  private record Row(long document, int position, String piece, float[] state) {}

  private static List<Row> randomRows(SplittableRandom random) {
    List<Row> rows = new ArrayList<>();
    for (long document = 0; document < 9; document++) {
      int length = 1 + random.nextInt(200);
      for (int i = 0; i < length; i++) {
        float[] state = new float[D];
        for (int f = 0; f < D - 1; f++) { // the last feature is never active
          boolean active = random.nextInt(4) == 0;
          state[f] = active ? 1 + random.nextInt(40) / 8f : -1;
        }
        rows.add(new Row(7 * document, i % 64, " t" + random.nextInt(30), state));
      }
    }
    return rows;
  }

  private Harvest harvest(List<Row> rows) {
    Harvests harvests = new Harvests(D);
    rows.forEach(row -> harvests.row(row.document, row.position, row.piece, row.state));
    return harvests.write(folder.resolve("harvest"));
  }

  /** All candidates by activation, then row; taken unless too near one taken before. */
  private static List<Context> brute(List<Row> rows, int feature, int top) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      if (rows.get(i).state[feature] > 0 && rows.get(i).position > 0) {
        order.add(i);
      }
    }
    order.sort(Comparator.comparingDouble(i -> -rows.get(i).state[feature]));
    List<Integer> taken = new ArrayList<>();
    for (int row : order) {
      long document = rows.get(row).document;
      boolean free =
          taken.stream()
              .noneMatch(t -> rows.get(t).document == document && Math.abs(t - row) <= 24);
      if (free && taken.size() < top) {
        taken.add(row);
      }
    }
    return taken.stream().map(row -> context(rows, row, feature)).toList();
  }

  private static double density(List<Row> rows, int feature) {
    List<Row> usable = rows.stream().filter(row -> row.position > 0).toList();
    double active = usable.stream().filter(row -> row.state[feature] > 0).count();
    return active / usable.size();
  }

  private static Context context(List<Row> rows, int middle, int feature) {
    List<String> tokens = new ArrayList<>();
    List<Float> activations = new ArrayList<>();
    for (int i = Math.max(0, middle - 12); i <= middle + 12 && i < rows.size(); i++) {
      Row row = rows.get(i);
      if (row.document == rows.get(middle).document) {
        tokens.add(row.piece);
        activations.add(row.position == 0 ? 0 : Math.max(0, row.state[feature]));
      }
    }
    Row row = rows.get(middle);
    return new Context(row.document, row.position, row.state[feature], tokens, activations);
  }

  @Test
  void shouldFindTheStrongestContextsThatDoNotOverlap() {
    List<Row> rows = randomRows(new SplittableRandom(SEED));
    try (Harvest harvest = harvest(rows);
        SparseAutoencoder sae = identity(D);
        Backend backend = Backends.open()) {
      for (int top : new int[] {1, 4, 50}) {
        List<FeatureContexts> found = new ArrayList<>();
        Contexts.collect(backend, sae, harvest, top, done -> {}, found::add);
        assertEquals(D, found.size());
        for (int f = 0; f < D; f++) {
          assertEquals(f, found.get(f).feature());
          assertEquals(brute(rows, f, top), found.get(f).contexts());
          assertEquals(density(rows, f), found.get(f).density(), 1e-12);
        }
        assertEquals(List.of(), found.get(D - 1).contexts());
      }
    }
  }

  @Test
  void shouldRefuseAnSaeOfAnotherWidth() {
    try (Harvest harvest = harvest(randomRows(new SplittableRandom(SEED)));
        SparseAutoencoder sae = identity(D + 1);
        Backend backend = Backends.open()) {
      assertEquals(
          harvest.folder() + " holds rows of 6 elements, but the SAE reads 7",
          assertThrows(
                  InvalidDataException.class,
                  () -> Contexts.collect(backend, sae, harvest, 3, done -> {}, found -> {}))
              .getMessage());
    }
  }
}
