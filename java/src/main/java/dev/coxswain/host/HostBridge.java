package dev.coxswain.host;

/**
 * The entry points that libcoxswain.so calls through JNI. None lets a {@code Throwable} out: a
 * failure is a status of coxswain.h and one line in the native error buffer (see {@link Failures}).
 *
 * <p>{@code words} is the address of a call's arguments ({@link NativeWords}); the objects are
 * those that earlier calls returned. Names and signatures are looked up by {@code
 * native/host/bridge.cpp}.
 */
public final class HostBridge {
  /** Grows with any change of an entry point or of the shared memory's layout. */
  private static final int VERSION = 2;

  private HostBridge() {}

  private interface Opening {
    AutoCloseable open(NativeWords words) throws Exception;
  }

  private interface Running {
    void run(NativeWords words) throws Exception;
  }

  private static Object open(long words, Opening opening) {
    try {
      return opening.open(new NativeWords(words));
    } catch (Throwable failure) {
      Failures.report(failure, NativeWords.errorBuffer(words));
      return null;
    }
  }

  private static int run(long words, Running running) {
    try {
      running.run(new NativeWords(words));
      return Failures.OK;
    } catch (Throwable failure) {
      return Failures.report(failure, NativeWords.errorBuffer(words));
    }
  }

  static int version() {
    return VERSION;
  }

  static Object openEngine(Object unused, Object alsoUnused, long words) {
    return open(words, HostEngine::open);
  }

  static Object loadSae(Object engine, Object unused, long words) {
    return open(words, HostSae::load);
  }

  static Object compilePlan(Object engine, Object sae, long words) {
    return open(words, call -> HostPlan.compile((HostEngine) engine, (HostSae) sae, call));
  }

  static Object openLane(Object engine, Object unused, long words) {
    return open(words, call -> HostLane.open((HostEngine) engine, call));
  }

  static Object openObserver(Object engine, Object sae, long words) {
    return open(words, call -> new HostObserver((HostEngine) engine, (HostSae) sae));
  }

  static Object openHarvest(Object engine, Object unused, long words) {
    return open(words, HostHarvest::open);
  }

  /** The hot path: no arguments but the lane, whose memory holds the block; no allocation. */
  static int layer(HostLane lane) {
    try {
      lane.steerBlock();
      return Failures.OK;
    } catch (Throwable failure) {
      return Failures.report(failure, lane.errorBuffer());
    }
  }

  static int statistics(Object lane, long words) {
    return run(words, call -> ((HostLane) lane).writeStatistics());
  }

  static int observe(Object observer, long words) {
    return run(words, call -> ((HostObserver) observer).observe(call));
  }

  static int append(Object harvest, long words) {
    return run(words, call -> ((HostHarvest) harvest).append(call));
  }

  static int finishHarvest(Object harvest, long words) {
    return run(words, call -> ((HostHarvest) harvest).finish());
  }

  static int writeVocabulary(Object engine, long words) {
    return run(words, HostVocabulary::write);
  }

  static int hash(Object engine, long words) {
    return run(words, HostPlan::hashOfParts);
  }

  static int close(Object opened, long words) {
    return run(words, call -> ((AutoCloseable) opened).close());
  }
}
