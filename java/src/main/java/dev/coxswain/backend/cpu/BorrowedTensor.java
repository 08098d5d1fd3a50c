package dev.coxswain.backend.cpu;

import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;

/** Stands for a placement on a device that reads the host's memory itself: frees nothing. */
final class BorrowedTensor implements TensorOwner {
  private final TensorView view;
  private volatile boolean closed;

  BorrowedTensor(TensorView view) {
    this.view = view;
  }

  @Override
  public TensorView view() {
    if (closed) {
      throw new IllegalStateException("BorrowedTensor is closed");
    }
    return view;
  }

  @Override
  public void close() {
    closed = true;
  }
}
