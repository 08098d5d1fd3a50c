package dev.coxswain.backend;

/** What an SAE does to each row before it subtracts b_dec, and undoes after decoding. */
public enum Normalization {
  NONE,
  /** x·√d/‖x‖; the output is divided by that factor again. */
  CONSTANT_NORM,
  /** (x − mean)/(std + 1e-5), std unbiased; the output is multiplied by std and shifted by mean. */
  LAYER_NORM
}
