package dev.coxswain.steer;

import dev.coxswain.backend.SteerRule;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256 over all that decides what a compiled plan does to a row, and nothing else. */
final class PlanHash {
  private static final int BLOCK = 1 << 16;

  private final MessageDigest digest;

  PlanHash() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
    add("coxswain plan 1");
  }

  void add(String word) {
    byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
    add((long) bytes.length);
    digest.update(bytes);
  }

  void add(long number) {
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(number).array());
  }

  void add(float number) {
    add((long) Float.floatToIntBits(number));
  }

  /** Shape and bits of a tensor in host memory. */
  void add(TensorView tensor) {
    add(tensor.rows());
    add(tensor.rowElements());
    byte[] block = new byte[BLOCK];
    for (long done = 0; done < tensor.byteSize(); done += BLOCK) {
      int bytes = (int) Math.min(BLOCK, tensor.byteSize() - done);
      HostMemory.copy(tensor.address() + done, block, 0, bytes);
      digest.update(block, 0, bytes);
    }
  }

  void add(SteerRule.Kind kind, float strength) {
    add(kind.name());
    add(strength);
  }

  /** 32 bytes; the hash must not be used afterwards. */
  byte[] finish() {
    return digest.digest();
  }
}
