package dev.coxswain.backend.cpu;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Inputs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/** Steering plans made of an input's weights, and their kernels. */
final class SteerCases {
  private static final float[] NONE = {};

  private SteerCases() {}

  /** Each kind alone on few and many features, all kinds after one another, with a condition. */
  static List<SteerCase> of(Inputs.Arrays a, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<SteerCase> cases = new ArrayList<>();
    List<SteerCase.Rule> all = new ArrayList<>();
    for (SteerRule.Kind kind : SteerRule.Kind.values()) {
      SteerCase.Rule few = rule(kind, a, Math.min(a.features(), 1), random);
      SteerCase.Rule many = rule(kind, a, Math.min(a.features(), 19), random);
      cases.add(new SteerCase(a.d(), List.of(few), Optional.empty()));
      cases.add(new SteerCase(a.d(), List.of(many), Optional.empty()));
      all.add(many);
    }
    cases.add(new SteerCase(a.d(), all, Optional.empty()));
    int m = Math.min(a.features(), 5);
    SteerCase.Condition condition =
        new SteerCase.Condition(
            Arrays.copyOf(a.wEnc(), m * a.d()),
            Arrays.copyOf(a.bEnc(), m),
            (float) random.nextDouble() * 4);
    cases.add(new SteerCase(a.d(), all.subList(0, 2), Optional.of(condition)));
    cases.add(new SteerCase(a.d(), List.of(), Optional.empty()));
    return cases;
  }

  static SteerCase.Rule rule(SteerRule.Kind kind, Inputs.Arrays a, int m, SplittableRandom random) {
    boolean reads = kind != SteerRule.Kind.ADD;
    boolean shifts = kind == SteerRule.Kind.ADD || kind == SteerRule.Kind.CALIBRATE;
    int first = random.nextInt(a.features() - m + 1);
    int from = first * a.d();
    int to = from + m * a.d();
    return new SteerCase.Rule(
        kind,
        reads ? Arrays.copyOfRange(a.wEnc(), from, to) : NONE,
        reads ? Arrays.copyOfRange(a.bEnc(), first, first + m) : NONE,
        reads ? Arrays.copyOfRange(a.wDec(), from, to) : NONE,
        shifts ? Inputs.fill(random, a.d(), 1f) : NONE,
        shifts ? 0 : (float) (random.nextDouble() * 6 - 2));
  }

  static SteerKernel kernel(Backend backend, SteerCase plan) {
    List<HostTensor> owned = new ArrayList<>();
    List<SteerRule> rules = new ArrayList<>();
    for (SteerCase.Rule rule : plan.rules()) {
      rules.add(
          new SteerRule(
              rule.kind(),
              tensor(owned, rule.read(), rule.m(), plan.d()),
              tensor(owned, rule.readBias(), rule.m()),
              tensor(owned, rule.write(), rule.m(), plan.d()),
              tensor(owned, rule.constant(), plan.d()),
              rule.strength()));
    }
    Optional<SteerCondition> condition =
        plan.condition()
            .map(
                when ->
                    new SteerCondition(
                        tensor(owned, when.read(), when.readBias().length, plan.d()).get(),
                        tensor(owned, when.readBias(), when.readBias().length).get(),
                        when.threshold()));
    SteerKernel kernel = backend.steerKernel(plan.d(), rules, condition);
    owned.forEach(HostTensor::close); // a kernel keeps copies
    return kernel;
  }

  private static Optional<TensorView> tensor(
      List<HostTensor> owned, float[] values, long... extents) {
    if (values.length == 0) {
      return Optional.empty();
    }
    HostTensor tensor = HostTensor.ofFloats(Shape.of(extents), values);
    owned.add(tensor);
    return Optional.of(tensor.view());
  }
}
