package dev.coxswain.backend;

/** How pre-activations z become active features (BatchTopK at inference is JUMP_RELU). */
public enum Activation {
  /** The k largest z of a row, then max(z, 0). */
  TOP_K,
  /** max(z, 0). */
  RELU,
  /** z where z exceeds the feature's threshold (and 0), else 0. */
  JUMP_RELU
}
