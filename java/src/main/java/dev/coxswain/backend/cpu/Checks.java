package dev.coxswain.backend.cpu;

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
}
