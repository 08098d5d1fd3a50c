package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.TensorView;
import java.util.Optional;

/**
 * One rule of a compiled plan, in the backend's memory, with h = ReLU(x R + c) of [n, m]:
 *
 * <ul>
 *   <li>AMPLIFY: x' = x + strength · h S
 *   <li>CALIBRATE: x' = (x − h S) + constant
 *   <li>ENFORCE: v = ReLU(strength − h); x' = x + strength · (v / Σv) S; x' ← x' · ‖x‖/‖x'‖
 *   <li>CLAMP: x' = x + (strength − h) S
 *   <li>ADD: x' = x + constant
 * </ul>
 *
 * @param read R with one row a feature; F32 [m, d]; absent for ADD
 * @param readBias c; F32 [m]; absent for ADD
 * @param write S; F32 [m, d]; absent for ADD
 * @param constant β·s̄, γ·ΣS or γ·v; F32 [d]; present for CALIBRATE and ADD
 * @param strength α or τ; 0 where the rule has a constant instead
 */
public record SteerRule(
    Kind kind,
    Optional<TensorView> read,
    Optional<TensorView> readBias,
    Optional<TensorView> write,
    Optional<TensorView> constant,
    float strength) {
  /** The update a rule makes; `add` and `vector` are one at run time. */
  public enum Kind {
    AMPLIFY,
    CALIBRATE,
    ENFORCE,
    CLAMP,
    ADD
  }

  public SteerRule {
    boolean reads = kind != Kind.ADD;
    boolean shifts = kind == Kind.ADD || kind == Kind.CALIBRATE;
    if (read.isPresent() != reads
        || readBias.isPresent() != reads
        || write.isPresent() != reads
        || constant.isPresent() != shifts) {
      throw new IllegalArgumentException("tensors do not fit rule " + kind);
    }
    if (reads) {
      long m = read.get().rows();
      long width = read.get().rowElements();
      read.get().require("R", DType.F32, m, width);
      readBias.get().require("c", DType.F32, m);
      write.get().require("S", DType.F32, m, width);
    }
  }

  public long width() {
    return constant.isPresent() ? constant.get().shape().elements() : read.get().rowElements();
  }
}
