package dev.coxswain.steer;

import dev.coxswain.backend.Backend;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayDeque;
import java.util.Deque;

/** The tensors of a plan between gathering and binding; closes them all, placed ones first. */
final class PlanTensors implements AutoCloseable {
  private final Backend backend;
  private final Deque<TensorOwner> owners = new ArrayDeque<>();

  PlanTensors(Backend backend) {
    this.backend = backend;
  }

  /** The tensor in the backend's memory; takes it over. */
  TensorView place(HostTensor tensor) {
    owners.push(tensor);
    TensorOwner placed = backend.place(tensor.view());
    owners.push(placed);
    return placed.view();
  }

  @Override
  public void close() {
    while (!owners.isEmpty()) {
      owners.pop().close();
    }
  }
}
