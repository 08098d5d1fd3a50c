package dev.coxswain.backend.cuda;

import dev.coxswain.backend.TrainStep;

/** Adam's numbers of a step, bias corrections included; as in native/cpu/train.cpp, bit for bit. */
record AdamNumbers(
    float beta1,
    float oneMinusBeta1,
    float beta2,
    float oneMinusBeta2,
    float stepSize,
    float rootScale,
    float epsilon) {
  static AdamNumbers of(TrainStep step) {
    double correction1 = 1 - power(step.beta1(), step.step());
    double correction2 = 1 - power(step.beta2(), step.step());
    return new AdamNumbers(
        step.beta1(),
        (float) (1.0 - step.beta1()),
        step.beta2(),
        (float) (1.0 - step.beta2()),
        (float) (step.learningRate() / correction1),
        (float) (1 / Math.sqrt(correction2)),
        step.epsilon());
  }

  /** By squaring: the same bits everywhere. */
  private static double power(double base, long exponent) {
    double result = 1;
    double square = base;
    for (long rest = exponent; rest > 0; rest >>= 1) {
      if ((rest & 1) != 0) {
        result *= square;
      }
      square *= square;
    }
    return result;
  }

  /** Adds TrainAdamArgs' fields. */
  LaunchBlock addTo(LaunchBlock args) {
    return args.add((double) beta1)
        .add((double) oneMinusBeta1)
        .add((double) beta2)
        .add((double) oneMinusBeta2)
        .add((double) stepSize)
        .add((double) rootScale)
        .add((double) epsilon);
  }
}
