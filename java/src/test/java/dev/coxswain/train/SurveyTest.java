package dev.coxswain.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.HarvestInfo;
import dev.coxswain.io.HarvestWriter;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.train.MarkedRows.Side;
import dev.coxswain.train.TrainOptions.BiasStart;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SurveyTest {
  @TempDir Path folder;

  private MarkedRows rows(int width, float... x) {
    Path path = folder.resolve("x.safetensors");
    try (HostTensor tensor = HostTensor.ofFloats(Shape.of(x.length / width, width), x)) {
      SafetensorsWriter.write(path, Map.of("x", tensor.view()), Map.of());
    }
    return MarkedRows.open(List.of(path.toString()), HoldOut.NONE, Side.TRAINING);
  }

  @Test
  void shouldMeasureTheUsableRowsAndCountTheOthersByReason() {
    try (MarkedRows rows = rows(2, 3, 4, 0, 5, 300, 400, Float.NaN, 1, 6, 8, -5, 0)) {
      Survey survey = Survey.of(rows, BiasStart.MEAN, (done, of) -> {});
      assertEquals(new RowCounts(4, 0, 1, 1, 0), survey.counts());
      assertEquals((5 + 5 + 10 + 5) / 4.0, survey.meanNorm());
      assertEquals(1, survey.center()[0]);
      assertEquals(17 / 4.0, survey.center()[1]);
      assertEquals(25, survey.massiveLimit(), 0.02);
      assertEquals((float) (Math.sqrt(2) / 6.25), survey.scale());
      assertEquals(
          "6 rows, 4 usable, mean norm 6.250; left out: 1 massive, 1 not finite",
          survey.describe(6));
    }
  }

  @Test
  void shouldStartAtTheGeometricMedianWhereAsked() {
    // Of three points with an angle of 120 degrees or more between two sides: that corner.
    try (MarkedRows rows = rows(2, 10, 10, 11, 10.1f, 9, 10.1f)) {
      double[] center = Survey.of(rows, BiasStart.GEOMETRIC_MEDIAN, (done, of) -> {}).center();
      assertEquals(10, center[0], 1e-3);
      assertEquals(10, center[1], 1e-2);
    }
  }

  @Test
  void shouldRefuseRowsOfWhichNoneIsUsable() {
    try (MarkedRows rows = rows(2, Float.NaN, 1, 2, Float.NEGATIVE_INFINITY)) {
      assertRefused(rows, "no row can be trained on: 2 rows, left out 2 not finite");
    }
    try (MarkedRows rows = rows(2)) {
      assertRefused(rows, "no row can be trained on: 0 rows, left out none");
    }
    try (MarkedRows rows = rows(2, 0, 0, 0, 0)) {
      assertRefused(rows, "no row can be trained on: all 2 usable rows are zero vectors");
    }
  }

  private static void assertRefused(MarkedRows rows, String message) {
    InvalidDataException refusal =
        assertThrows(
            InvalidDataException.class, () -> Survey.of(rows, BiasStart.MEAN, (done, of) -> {}));
    assertEquals(message, refusal.getMessage());
  }

  @Test
  void shouldLeaveBosMassiveAndHeldOutRowsOfAHarvestOut() {
    Path harvest = harvest();
    HoldOut tenth = new HoldOut(0.25);
    RowCounts training = counts(harvest, tenth, Side.TRAINING);
    RowCounts heldOut = counts(harvest, tenth, Side.HELD_OUT);
    RowCounts all = counts(harvest, HoldOut.NONE, Side.ALL);
    assertEquals(new RowCounts(200 * 8, 200, 200, 0, 0), all);
    assertEquals(all.usable(), training.usable() + heldOut.usable());
    assertEquals(2000, training.otherSide() + heldOut.otherSide());
    double share = heldOut.usable() / (200 * 8.0);
    assertTrue(share > 0.1 && share < 0.4, "a quarter of 200 documents, was " + share);
    assertEquals(0, heldOut.usable() % 8, "whole documents");
  }

  /** 200 documents of 10 rows: BOS, a massive one, eight usable ones. */
  private Path harvest() {
    HarvestInfo identity = HarvestInfo.begin("m.gguf", "ab".repeat(32), 3, 2, List.of("a"));
    Path harvest = folder.resolve("harvest");
    try (HarvestWriter writer = HarvestWriter.create(harvest, identity, DType.F32)) {
      for (int document = 0; document < 200; document++) {
        float[] x = new float[20];
        int[] positions = new int[10];
        long[] documents = new long[10];
        for (int i = 0; i < 10; i++) {
          x[2 * i] = i == 1 ? 1000 : 1;
          x[2 * i + 1] = 1;
          positions[i] = i;
          documents[i] = document;
        }
        try (HostTensor rows = HostTensor.ofFloats(Shape.of(10, 2), x)) {
          writer.append(rows.view(), new int[10], positions, documents);
        }
      }
      writer.finish();
    }
    return harvest;
  }

  private static RowCounts counts(Path harvest, HoldOut holdOut, Side side) {
    try (MarkedRows rows = MarkedRows.open(List.of(harvest.toString()), holdOut, side)) {
      return Survey.of(rows, BiasStart.MEAN, (done, of) -> {}).counts();
    }
  }

  @Test
  void shouldRefuseToHoldOutDocumentsOfPlainRows() {
    rows(2, 1, 2).close();
    String spec = folder.resolve("x.safetensors").toString();
    UsageException refusal =
        assertThrows(
            UsageException.class,
            () -> MarkedRows.open(List.of(spec), new HoldOut(0.1), Side.TRAINING));
    assertEquals(
        spec + " knows no documents to hold out: a harvest folder does", refusal.getMessage());
  }
}
