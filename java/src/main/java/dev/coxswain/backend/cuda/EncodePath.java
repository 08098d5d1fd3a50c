package dev.coxswain.backend.cuda;

/** The ways to find the active features of rows; all give the same bits. */
enum EncodePath {
  /** Every score canonically: for few rows at the speed of memory, and where no screen fits. */
  EXACT,
  /** Few rows: a screen over int8 copies of the weights that are kept beside them. */
  INT8,
  /** Many rows: a bfloat16 screen by cuBLAS, a panel of features at a time. */
  PANELS,
  /** Many rows: a bfloat16 screen by our own tensor-core kernel. */
  FUSED;

  /** Whether survivors of a screen are scored again. */
  boolean isScreen() {
    return this != EXACT;
  }
}
