package dev.coxswain.gpucheck;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One of the two backends with the tensors that a check has there. Owns them, not the backend. For
 * one thread.
 */
final class Side implements AutoCloseable {
  private final Backend backend;
  private final Map<HostTensor, TensorOwner> placed = new IdentityHashMap<>();
  private final Deque<TensorOwner> temporary = new ArrayDeque<>();

  Side(Backend backend) {
    this.backend = backend;
  }

  Backend backend() {
    return backend;
  }

  /** To read, until the tensor is forgotten; placed once. */
  TensorView place(HostTensor tensor) {
    return placed.computeIfAbsent(tensor, host -> backend.place(host.view())).view();
  }

  /** A tensor of its own with the same content, until {@link #endCase}. */
  TensorView copy(HostTensor tensor) {
    TensorView copy = allocate(tensor.dtype(), tensor.shape().extents());
    backend.copy(tensor.view(), copy);
    return copy;
  }

  /** Zeroed, until {@link #endCase}. */
  TensorView allocate(DType dtype, long... extents) {
    TensorOwner owner = backend.allocate(dtype, Shape.of(extents));
    temporary.push(owner);
    return owner.view();
  }

  /** The backend's room for logits, if it offers any, until {@link #endCase}. */
  Optional<TensorView> explainLogits(long features, long words) {
    Optional<TensorOwner> room = backend.explainLogits(features, words);
    room.ifPresent(temporary::push);
    return room.map(TensorOwner::view);
  }

  /** Until {@link #endCase}. */
  SparseRows allocateActive(int rows, int places) {
    return new SparseRows(
        allocate(DType.F32, rows, places),
        allocate(DType.I32, rows, places),
        allocate(DType.F32, rows, 2));
  }

  void endCase() {
    while (!temporary.isEmpty()) {
      temporary.pop().close();
    }
  }

  /** To be called before a placed tensor is closed. */
  void forget(HostTensor tensor) {
    TensorOwner owner = placed.remove(tensor);
    if (owner != null) {
      owner.close();
    }
  }

  @Override
  public void close() {
    endCase();
    placed.values().forEach(TensorOwner::close);
    placed.clear();
  }
}
