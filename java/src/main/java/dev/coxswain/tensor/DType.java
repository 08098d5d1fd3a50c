package dev.coxswain.tensor;

/**
 * Element types by their safetensors names, in that format's order of alignment (smallest first).
 */
public enum DType {
  BOOL(8),
  F4(4),
  F6_E2M3(6),
  F6_E3M2(6),
  U8(8),
  I8(8),
  F8_E5M2(8),
  F8_E4M3(8),
  F8_E8M0(8),
  F8_E4M3FNUZ(8),
  F8_E5M2FNUZ(8),
  I16(16),
  U16(16),
  F16(16),
  BF16(16),
  I32(32),
  U32(32),
  F32(32),
  C64(64),
  F64(64),
  I64(64),
  U64(64);

  private final int bits;

  DType(int bits) {
    this.bits = bits;
  }

  public int bits() {
    return bits;
  }

  /** Bytes of one element; types below eight bits have none. */
  public int bytes() {
    if (bits % 8 != 0) {
      throw new IllegalStateException(this + " elements do not fill whole bytes");
    }
    return bits / 8;
  }

  /** True for the types hidden states and weights may have: F32, F16 and BF16. */
  public boolean isHiddenState() {
    return this == F32 || this == F16 || this == BF16;
  }
}
