package dev.coxswain.backend.cuda;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.TrainReport;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.TrainStep;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Inputs;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A training run of some steps from given numbers, so that two backends can be compared to the bit.
 * Arrays may be changed before it runs.
 *
 * @param sinceFired rows since each feature fired; [F]
 * @param x every step's rows; [n, d] each
 */
record TrainingCase(
    int features,
    int width,
    float[] wEnc,
    float[] bEnc,
    float[] wDec,
    float[] bDec,
    long[] sinceFired,
    List<float[]> x) {
  /** Random weights, none dead; rows with a mean. */
  static TrainingCase draw(SplittableRandom random, int steps, int rows, int width, int features) {
    List<float[]> x = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      float[] values = Inputs.fill(random, rows * width, 1f);
      for (int i = 0; i < values.length; i++) {
        values[i] += 0.25f;
      }
      x.add(values);
    }
    float[] wDec = Inputs.fill(random, features * width, 1f);
    for (int f = 0; f < features; f++) {
      normalize(wDec, f * width, width);
    }
    return new TrainingCase(
        features,
        width,
        Inputs.fill(random, features * width, 0.5f),
        Inputs.fill(random, features, 0.25f),
        wDec,
        Inputs.fill(random, width, 0.25f),
        new long[features],
        x);
  }

  private static void normalize(float[] w, int from, int width) {
    double squares = 0;
    for (int e = from; e < from + width; e++) {
      squares += (double) w[e] * w[e];
    }
    for (int e = from; e < from + width; e++) {
      w[e] = (float) (w[e] / Math.sqrt(squares));
    }
  }

  /** What a run leaves: every step's report, and all tensors' bits in the state's order. */
  record Outcome(List<TrainReport> reports, List<long[]> tensors) {}

  /** Makes all steps on a backend; {@code numbers} but for the step's own number. */
  Outcome run(Backend backend, TrainStep numbers) {
    List<TensorOwner> owned = new ArrayList<>();
    try {
      TrainState state = place(backend, owned);
      List<TrainReport> reports = new ArrayList<>();
      for (int i = 0; i < x.size(); i++) {
        float[] rows = x.get(i);
        try (HostTensor host = floats(rows, rows.length / width, width);
            TensorOwner placed = backend.place(host.view())) {
          reports.add(backend.trainStep(state, numbered(numbers, i + 1), placed.view()));
        }
      }
      return new Outcome(reports, owned.stream().map(t -> bits(backend, t.view())).toList());
    } finally {
      owned.forEach(TensorOwner::close);
    }
  }

  private static TrainStep numbered(TrainStep numbers, long step) {
    return new TrainStep(
        numbers.k(),
        numbers.kAux(),
        numbers.auxCoefficient(),
        numbers.deadAfter(),
        step,
        numbers.learningRate(),
        numbers.beta1(),
        numbers.beta2(),
        numbers.epsilon());
  }

  private TrainState place(Backend backend, List<TensorOwner> owned) {
    long parameters = TrainState.parameters(features, width);
    return new TrainState(
        owned(backend, owned, floats(wEnc, features, width)),
        owned(backend, owned, floats(bEnc, features)),
        owned(backend, owned, floats(wDec, features, width)),
        owned(backend, owned, floats(bDec, width)),
        owned(backend, owned, HostTensor.allocate(DType.F32, parameters)),
        owned(backend, owned, HostTensor.allocate(DType.F32, parameters)),
        owned(backend, owned, longs(sinceFired)));
  }

  private static HostTensor floats(float[] values, long... extents) {
    return HostTensor.ofFloats(Shape.of(extents), values);
  }

  private static HostTensor longs(long[] values) {
    HostTensor tensor = HostTensor.allocate(DType.I64, values.length);
    for (int i = 0; i < values.length; i++) {
      HostMemory.putLong(tensor.view().address() + 8L * i, values[i]);
    }
    return tensor;
  }

  /** A copy in the backend's memory that the backend may write. */
  private static TensorView owned(Backend backend, List<TensorOwner> owned, HostTensor host) {
    try (host) {
      TensorOwner tensor = backend.allocate(host.dtype(), host.shape());
      owned.add(tensor);
      backend.copy(host.view(), tensor.view());
      return tensor.view();
    }
  }

  private static long[] bits(Backend backend, TensorView view) {
    try (HostTensor host = HostTensor.allocate(view.dtype(), view.shape())) {
      backend.copy(view, host.view());
      long[] bits = new long[Math.toIntExact(view.shape().elements())];
      for (int i = 0; i < bits.length; i++) {
        long address = host.view().address() + (long) view.dtype().bytes() * i;
        bits[i] =
            view.dtype() == DType.I64
                ? HostMemory.getLong(address)
                : Float.floatToRawIntBits(HostMemory.getFloat(address));
      }
      return bits;
    }
  }
}
