package dev.coxswain.backend.cpu;

/** Instruction sets the kernels exist for; the ordinals are the native codes. */
enum Isa {
  PORTABLE,
  AVX2,
  AVX512;

  boolean isSupported() {
    return Native.isaSupported(ordinal());
  }

  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
