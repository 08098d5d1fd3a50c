package dev.coxswain.host;

import dev.coxswain.Engine;
import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Device;
import dev.coxswain.tensor.MemorySpace;
import java.util.Arrays;

/** A host's engine: the device, and the plans that lanes find by number. Thread-safe. */
final class HostEngine implements AutoCloseable {
  private static final int DEVICE = 1;
  private static final int THREADS = 3;
  private static final int LIBRARY = 4;

  /** To be filled: the CUDA device's number, or −1 for the CPU. */
  private static final int CUDA_DEVICE = 6;

  /** Names the file of native code to load; {@code backend.cpu} reads it. */
  private static final String LIBRARY_PROPERTY = "coxswain.library";

  private final Engine engine;

  /** Never changed in place: lanes read it without a lock. */
  private volatile HostPlan[] plans = {};

  private HostEngine(Engine engine) {
    this.engine = engine;
  }

  static HostEngine open(NativeWords words) {
    Device device = Device.parse(words.text(DEVICE, "the device"));
    int threads = words.getInt(THREADS);
    useLibrary(words.text(LIBRARY, "the library's path"));
    Engine engine = threads == 0 ? Engine.open(device) : Engine.open(device, threads);
    MemorySpace space = engine.backend().space();
    words.set(CUDA_DEVICE, space.isHost() ? -1 : space.ordinal());
    return new HostEngine(engine);
  }

  /** The caller is in the process already: no second copy of it is wanted. */
  private static void useLibrary(String path) {
    if (System.getProperty(LIBRARY_PROPERTY) == null) {
      System.setProperty(LIBRARY_PROPERTY, path);
    }
  }

  Backend backend() {
    return engine.backend();
  }

  HostPlan plan(int slot) {
    return plans[slot];
  }

  /** Puts a plan into the first free slot and returns its number. */
  synchronized int add(HostPlan plan) {
    HostPlan[] old = plans;
    int slot = 0;
    while (slot < old.length && old[slot] != null) {
      slot++;
    }
    HostPlan[] next = Arrays.copyOf(old, Math.max(old.length, slot + 1));
    next[slot] = plan;
    plans = next;
    return slot;
  }

  synchronized void remove(int slot) {
    HostPlan[] next = plans.clone();
    next[slot] = null;
    plans = next;
  }

  @Override
  public void close() {
    engine.close();
  }
}
