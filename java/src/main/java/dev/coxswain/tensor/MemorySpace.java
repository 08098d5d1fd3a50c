package dev.coxswain.tensor;

/**
 * Where an address means something.
 *
 * @param kind host or CUDA memory
 * @param ordinal the CUDA device's number; 0 for the host
 */
public record MemorySpace(Kind kind, int ordinal) {
  /** The two kinds of memory. */
  public enum Kind {
    HOST,
    CUDA
  }

  public static final MemorySpace HOST = new MemorySpace(Kind.HOST, 0);

  public static MemorySpace cuda(int ordinal) {
    return new MemorySpace(Kind.CUDA, ordinal);
  }

  public boolean isHost() {
    return kind == Kind.HOST;
  }

  @Override
  public String toString() {
    return isHost() ? "host" : "cuda:" + ordinal;
  }
}
