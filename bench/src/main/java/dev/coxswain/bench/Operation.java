package dev.coxswain.bench;

import dev.coxswain.Engine;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Device;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What every benchmark shares: an engine, on all cores where it is not said otherwise, and what to
 * close at the end.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public abstract class Operation {
  private final Deque<AutoCloseable> owned = new ArrayDeque<>();
  private final Engine engine;

  protected Operation() {
    this(Device.CPU);
  }

  protected Operation(Device device) {
    engine = own(Engine.open(device));
  }

  protected final Backend backend() {
    return engine.backend();
  }

  /** Closed at the end, last first. */
  protected final <T extends AutoCloseable> T own(T owner) {
    owned.push(owner);
    return owner;
  }

  /** A tensor the backend can read; the host's one is closed with it. */
  protected final TensorView place(HostTensor tensor) {
    return own(backend().place(own(tensor).view())).view();
  }

  protected final TensorView allocate(DType dtype, long... extents) {
    return own(backend().allocate(dtype, Shape.of(extents))).view();
  }

  protected final SparseRows allocateActive(int rows, int places) {
    return new SparseRows(
        allocate(DType.F32, rows, places),
        allocate(DType.I32, rows, places),
        allocate(DType.F32, rows, 2));
  }

  @TearDown
  public final void close() throws Exception {
    while (!owned.isEmpty()) {
      owned.pop().close();
    }
  }
}
