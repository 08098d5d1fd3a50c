package dev.coxswain.train;

import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.io.SafetensorsWriter.Declaration;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Rows that are sparse positive sums of planted unit directions, plus a mean and a little noise.
 */
final class PlantedRows {
  final float[][] directions;
  final int width;
  private final int active;
  private final float[] mean;
  private final SplittableRandom random;

  PlantedRows(int directions, int width, int active, long seed) {
    this.random = new SplittableRandom(seed);
    this.width = width;
    this.active = active;
    this.directions = new float[directions][];
    for (int c = 0; c < directions; c++) {
      this.directions[c] = unit();
    }
    this.mean = unit();
  }

  private float[] unit() {
    double[] row = new double[width];
    double squares = 0;
    for (int e = 0; e < width; e++) {
      row[e] = gaussian();
      squares += row[e] * row[e];
    }
    float[] unit = new float[width];
    for (int e = 0; e < width; e++) {
      unit[e] = (float) (row[e] / Math.sqrt(squares));
    }
    return unit;
  }

  private double gaussian() {
    double radius = Math.sqrt(-2 * Math.log(1 - random.nextDouble()));
    return radius * Math.cos(2 * Math.PI * random.nextDouble());
  }

  float[] row() {
    float[] x = mean.clone();
    for (int j = 0; j < active; j++) {
      float[] direction = directions[random.nextInt(directions.length)];
      float a = (float) (1 + random.nextDouble());
      for (int e = 0; e < width; e++) {
        x[e] += a * direction[e];
      }
    }
    for (int e = 0; e < width; e++) {
      x[e] += 0.01f * (float) gaussian();
    }
    return x;
  }

  /** Writes {@code files} files of {@code rows} rows each; returns their specs. */
  List<String> write(Path folder, int files, int rows) {
    List<String> specs = new ArrayList<>();
    for (int file = 0; file < files; file++) {
      Path path = folder.resolve("x" + file + ".safetensors");
      write(path, rows);
      specs.add(path.toString());
    }
    return specs;
  }

  private void write(Path path, int rows) {
    Declaration x = new Declaration("x", DType.F32, Shape.of(rows, width));
    try (SafetensorsWriter writer = SafetensorsWriter.create(path, List.of(x), Map.of())) {
      for (int i = 0; i < rows; i++) {
        try (HostTensor row = HostTensor.ofFloats(Shape.of(1, width), row())) {
          writer.append("x", row.view());
        }
      }
      writer.commit();
    }
  }

  /** Share of the planted directions that some decoder row matches at {@code cosine} or better. */
  double recovered(float[] wDec, double cosine) {
    int found = 0;
    for (float[] direction : directions) {
      double best = -1;
      for (int row = 0; row < wDec.length; row += width) {
        double dot = 0;
        for (int e = 0; e < width; e++) {
          dot += (double) wDec[row + e] * direction[e];
        }
        best = Math.max(best, dot);
      }
      found += best >= cosine ? 1 : 0;
    }
    return (double) found / directions.length;
  }
}
