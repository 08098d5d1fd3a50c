package dev.coxswain.sae;

import dev.coxswain.Engine;
import dev.coxswain.backend.Activation;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Device;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.reference.SaeReference.Active;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/** Encodes and decodes float32 rows with the engine's CPU backend, in the shape tests compare. */
final class EngineCodec {
  /**
   * @param active of each row, without the padding
   * @param reconstruction [n][d]
   */
  record Result(EncodeReport report, List<List<Active>> active, double[][] reconstruction) {}

  private EngineCodec() {}

  static Result run(SparseAutoencoder sae, float[][] rows) {
    int n = rows.length;
    int d = sae.width();
    int places = sae.activation() == Activation.TOP_K ? sae.k() : sae.features();
    try (Engine engine = Engine.open(Device.CPU, 2);
        PlacedAutoencoder placed = PlacedAutoencoder.place(engine.backend(), sae);
        HostTensor x = HostTensor.ofFloats(Shape.of(n, d), flattened(rows, d));
        HostTensor xHat = HostTensor.allocate(DType.F32, n, d);
        HostTensor values = HostTensor.allocate(DType.F32, n, places);
        HostTensor indices = HostTensor.allocate(DType.I32, n, places);
        HostTensor normalization = HostTensor.allocate(DType.F32, n, 2)) {
      SparseRows sparse = new SparseRows(values.view(), indices.view(), normalization.view());
      Backend backend = engine.backend();
      EncodeReport report = backend.encode(placed.encoder(), x.view(), sparse);
      backend.decode(placed.decoder(), sparse, xHat.view());
      return new Result(report, active(values, indices, n, places), unflattened(xHat, n, d));
    }
  }

  private static List<List<Active>> active(
      HostTensor values, HostTensor indices, int n, int places) {
    List<List<Active>> rows = new ArrayList<>();
    for (int row = 0; row < n; row++) {
      List<Active> active = new ArrayList<>();
      for (long at = (long) row * places; at < (row + 1L) * places; at++) {
        if (indices.getInt(at) >= 0) {
          active.add(new Active(indices.getInt(at), values.getFloat(at)));
        }
      }
      rows.add(active);
    }
    return rows;
  }

  private static float[] flattened(float[][] rows, int d) {
    float[] all = new float[rows.length * d];
    for (int row = 0; row < rows.length; row++) {
      System.arraycopy(rows[row], 0, all, row * d, d);
    }
    return all;
  }

  private static double[][] unflattened(HostTensor tensor, int n, int d) {
    double[][] rows = new double[n][d];
    for (int i = 0; i < n * d; i++) {
      rows[i / d][i % d] = tensor.getFloat(i);
    }
    return rows;
  }
}
