package dev.coxswain.backend.cpu;

/**
 * Every native method, and nothing else. Addresses are bare and unchecked: callers check lengths
 * first. Enums cross as {@link dev.coxswain.backend.Codes}; device is a handle of {@link
 * #openDevice}.
 */
final class Native {
  /** What {@link #interfaceVersion} must answer; counted up with every change of a method. */
  static final int INTERFACE = 1;

  private Native() {}

  static native int interfaceVersion();

  /** isa: a code, or −1 for the best that the machine and COX_MAX_ISA allow. */
  static native long openDevice(int threads, int isa);

  static native void closeDevice(long device);

  static native int deviceIsa(long device);

  static native boolean isaSupported(int isa);

  /** report: address of five longs in the order of EncodeReport. */
  static native void encode(
      long device,
      long wEnc,
      long bEnc,
      long subtract,
      long threshold,
      long features,
      long width,
      int activation,
      int k,
      int normalization,
      long x,
      int dtype,
      long rows,
      long values,
      long indices,
      long rowNormalization,
      long places,
      long report);

  /** Returns the elements clamped to the largest finite value. */
  static native long decode(
      long device,
      long wDec,
      long bDec,
      long features,
      long width,
      boolean normalized,
      long values,
      long indices,
      long rowNormalization,
      long places,
      long rows,
      long xHat,
      int dtype);

  // --- steering

  /** An empty plan for rows of that width. */
  static native long steerPlan(long width);

  /** Copies the tensors, 0 where the kind has none. */
  static native void steerAddRule(
      long plan,
      int kind,
      float strength,
      long m,
      long read,
      long readBias,
      long write,
      long constant);

  static native void steerSetCondition(
      long plan, long m, long read, long readBias, float threshold);

  /** selection: n bytes or 0; counters: four longs in the order of SteerKernel, or 0. */
  static native void steerApply(
      long device,
      long plan,
      long x,
      long xStride,
      long y,
      long yStride,
      long rows,
      int dtype,
      long selection,
      long counters);

  static native void steerFree(long plan);

  // --- explanation

  static native void explainStatistics(
      long device,
      long features,
      long f,
      long words,
      long v,
      long d,
      double alpha,
      double beta,
      long rowLogSumExp,
      long columns);

  /** shift: added to log p(c|w). */
  static native void explainTop(
      long device,
      long features,
      long f,
      long words,
      long v,
      long d,
      double alpha,
      double beta,
      double shift,
      long top,
      long rowLogSumExp,
      long columns,
      long bestWords,
      long bestScores,
      long bestGiven,
      long bestLogs);

  // --- training

  /** report: address of loss, FVU and AuxK loss (doubles), active and dead features (longs). */
  static native void trainStep(
      long device,
      long wEnc,
      long bEnc,
      long wDec,
      long bDec,
      long firstMoment,
      long secondMoment,
      long sinceFired,
      long features,
      long width,
      long k,
      long kAux,
      float auxCoefficient,
      long deadAfter,
      long step,
      float learningRate,
      float beta1,
      float beta2,
      float epsilon,
      long x,
      long rows,
      long report);
}
