package dev.coxswain.host;

import dev.coxswain.steer.CompiledPlan;
import dev.coxswain.steer.Plan;
import dev.coxswain.tensor.HostMemory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** A plan at a layer, in its engine's table until closed. Immutable. */
final class HostPlan implements AutoCloseable {
  private static final int JSON = 1;
  private static final int FOLDER = 3;
  private static final int LAYER = 5;
  private static final int HASH = 6;
  private static final int WIDTH = 7;
  private static final int SLOT = 8;

  private static final int HASHES = 1;
  private static final int COMBINED = 3;

  private static final int HASH_BYTES = 32;

  private final HostEngine engine;
  private final CompiledPlan plan;
  private final int layer;
  private final int slot;

  private HostPlan(HostEngine engine, CompiledPlan plan, int layer) {
    this.engine = engine;
    this.plan = plan;
    this.layer = layer;
    this.slot = engine.add(this);
  }

  static HostPlan compile(HostEngine engine, HostSae sae, NativeWords words) {
    Plan plan = Plan.parse(words.text(JSON, "the plan"));
    Path folder = words.path(FOLDER, "base_dir");
    int layer = words.getInt(LAYER);
    CompiledPlan compiled = CompiledPlan.compile(plan, sae.sae(), engine.backend(), folder);
    HostMemory.copy(hash(compiled, layer), 0, words.get(HASH), HASH_BYTES);
    HostPlan hostPlan = new HostPlan(engine, compiled, layer);
    words.set(WIDTH, compiled.kernel().width());
    words.set(SLOT, hostPlan.slot);
    return hostPlan;
  }

  /** Of all a plan does, and where it does it. */
  private static byte[] hash(CompiledPlan plan, int layer) {
    return sha256(plan.hash(), ByteBuffer.allocate(Integer.BYTES).putInt(layer).array());
  }

  /** The hash of a combined plan: that of its parts' hashes, in their order. */
  static void hashOfParts(NativeWords words) {
    byte[] hashes = new byte[words.getInt(HASHES + 1)];
    HostMemory.copy(words.get(HASHES), hashes, 0, hashes.length);
    HostMemory.copy(sha256(hashes, new byte[0]), 0, words.get(COMBINED), HASH_BYTES);
  }

  private static byte[] sha256(byte[] first, byte[] second) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(first);
      return digest.digest(second);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  CompiledPlan plan() {
    return plan;
  }

  int layer() {
    return layer;
  }

  @Override
  public void close() {
    engine.remove(slot);
    plan.close();
  }
}
