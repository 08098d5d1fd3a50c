package dev.coxswain.backend.cpu;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.Optional;

/** What must hold before native code sees an address. */
final class Checks {
  private Checks() {}

  /** The address of a view in host memory. */
  static long host(String name, TensorView view) {
    if (!view.space().isHost()) {
      throw new IllegalArgumentException(
          name + " is in " + view.space() + " memory; the CPU backend reads host memory");
    }
    return view.address();
  }

  /** As {@link #host}, or 0 where there is none. */
  static long host(String name, Optional<TensorView> view) {
    return view.isPresent() ? host(name, view.get()) : 0;
  }

  /** The address of hidden states [n, d] in host memory. */
  static long hiddenStates(String name, TensorView view, long rows, long width) {
    if (!view.dtype().isHiddenState() || !view.shape().is(rows, width)) {
      throw new IllegalArgumentException(
          String.format(
              "%s is %s %s; F32, F16 or BF16 [%d, %d] is needed",
              name, view.dtype(), view.shape(), rows, width));
    }
    return host(name, view);
  }

  static void sameTypeAndShape(TensorView source, TensorView target) {
    DType wanted = source.dtype();
    if (target.dtype() != wanted || !target.shape().equals(source.shape())) {
      throw new IllegalArgumentException(
          String.format(
              "cannot copy %s %s to %s %s",
              wanted, source.shape(), target.dtype(), target.shape()));
    }
  }
}
