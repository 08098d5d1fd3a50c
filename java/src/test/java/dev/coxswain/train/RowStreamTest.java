package dev.coxswain.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowStreamTest {
  private static final int WIDTH = 3;
  private static final float NONE = Float.POSITIVE_INFINITY;

  @TempDir Path folder;
  private final List<String> specs = new ArrayList<>();
  private int written;

  /** Files of awkward sizes; each row holds its own number. */
  @BeforeEach
  void writeFiles() {
    for (int rows : new int[] {700, 1, 0, 1299, 500}) {
      float[] x = new float[rows * WIDTH];
      for (int i = 0; i < rows; i++) {
        Arrays.fill(x, i * WIDTH, (i + 1) * WIDTH, written++);
      }
      write(x);
    }
  }

  private void write(float[] x) {
    Path path = folder.resolve(specs.size() + ".safetensors");
    try (HostTensor tensor = HostTensor.ofFloats(Shape.of(x.length / WIDTH, WIDTH), x)) {
      SafetensorsWriter.write(path, Map.of("x", tensor.view()), Map.of());
    }
    specs.add(path.toString());
  }

  private MarkedRows open() {
    return MarkedRows.open(specs, HoldOut.NONE, MarkedRows.Side.TRAINING);
  }

  private static RowStream stream(MarkedRows rows, int window, RowStream.Position start) {
    return new RowStream(rows, 2f, 17, window, start);
  }

  /** The numbers of the next rows, taken in batches of {@code batch}. */
  private static int[] take(RowStream stream, int batches, int batch) {
    int[] numbers = new int[batches * batch];
    try (HostTensor x = HostTensor.allocate(DType.F32, batch, WIDTH)) {
      for (int b = 0; b < batches; b++) {
        stream.next(x.view());
        for (int i = 0; i < batch; i++) {
          numbers[b * batch + i] = (int) (x.getFloat((long) i * WIDTH + 1) / 2);
        }
      }
    }
    return numbers;
  }

  @Test
  void shouldCoverEveryRowOnceAnEpochInAnOrderOfItsOwn() {
    for (int window : new int[] {1, 600, 1 << 20}) {
      try (MarkedRows rows = open();
          RowStream stream = stream(rows, window, RowStream.Position.START)) {
        int[] first = take(stream, 100, 25);
        int[] second = take(stream, 100, 25);
        assertCoversAll(first);
        assertCoversAll(second);
        assertNotEquals(Arrays.toString(first), Arrays.toString(second), "window " + window);
      }
    }
  }

  private void assertCoversAll(int[] numbers) {
    int[] sorted = numbers.clone();
    Arrays.sort(sorted);
    assertEquals(written, numbers.length);
    assertArrayEquals(IntStream.range(0, written).toArray(), sorted);
    long inPlace =
        IntStream.range(1, written).filter(i -> numbers[i] == numbers[i - 1] + 1).count();
    assertTrue(inPlace < 50, inPlace + " neighbours stayed neighbours");
  }

  @Test
  void shouldGoOnFromAPositionAsTheStreamThatWasThere() {
    try (MarkedRows rows = open();
        RowStream whole = stream(rows, 512, RowStream.Position.START)) {
      for (int part = 0; part < 12; part++) {
        RowStream.Position position = whole.position();
        int[] wanted = take(whole, 9, 64);
        try (RowStream resumed = stream(rows, 512, position)) {
          assertArrayEquals(wanted, take(resumed, 9, 64), "from " + position);
        }
      }
    }
  }

  @Test
  void shouldLeaveUnusableRowsOut() {
    written = 0;
    specs.clear();
    float[] x = new float[600 * WIDTH];
    for (int i = 0; i < 600; i++) {
      Arrays.fill(x, i * WIDTH, (i + 1) * WIDTH, i == 5 ? 1e9f : 1 + i);
      x[i * WIDTH] = i % 7 == 0 ? Float.NaN : x[i * WIDTH];
    }
    write(x);
    try (MarkedRows rows = open().withMassiveLimit(1e6);
        RowStream stream = stream(rows, 256, RowStream.Position.START)) {
      int usable = 600 - 86 - 1;
      int[] numbers = take(stream, 1, usable);
      assertEquals(usable, Arrays.stream(numbers).distinct().count());
      assertTrue(Arrays.stream(numbers).noneMatch(number -> (number - 1) % 7 == 0));
      assertTrue(Arrays.stream(numbers).noneMatch(number -> number > 600));
    }
  }

  @Test
  void shouldSayWhenAWholeEpochHasNoUsableRow() {
    specs.clear();
    write(new float[] {NONE, 0, 0, 1, NONE, 1});
    try (MarkedRows rows = open();
        RowStream stream = stream(rows, 1, RowStream.Position.START)) {
      InvalidDataException failure =
          assertThrows(InvalidDataException.class, () -> take(stream, 1, 1));
      assertEquals("no usable row in a whole epoch", failure.getMessage());
    }
  }
}
