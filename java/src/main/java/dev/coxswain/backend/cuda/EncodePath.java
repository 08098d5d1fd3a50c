package dev.coxswain.backend.cuda;

/** The ways to find the active features of rows; all give the same bits. */
enum EncodePath {
  /** Every score canonically, a few rows a pass over the weights: at the speed of memory. */
  SCAN,
  /** Every score canonically by tiles: many rows where no screen can rule out much. */
  FULL,
  /** Few rows: a screen over int8 copies of the weights that are kept beside them. */
  INT8,
  /** Many rows: a bfloat16 screen by cuBLAS, a panel of features at a time. */
  PANELS,
  /** Many rows: a bfloat16 screen by our own tensor-core kernel. */
  FUSED;

  /** Whether survivors of a screen are scored again. */
  boolean isScreen() {
    return this != SCAN && this != FULL;
  }
}
