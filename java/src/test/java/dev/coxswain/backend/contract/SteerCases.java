package dev.coxswain.backend.contract;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
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
    try (Tensors tensors = new Tensors(backend)) { // a kernel keeps copies
      List<SteerRule> rules = new ArrayList<>();
      for (SteerCase.Rule rule : plan.rules()) {
        rules.add(
            new SteerRule(
                rule.kind(),
                tensors.of(rule.read(), rule.m(), plan.d()),
                tensors.of(rule.readBias(), rule.m()),
                tensors.of(rule.write(), rule.m(), plan.d()),
                tensors.of(rule.constant(), plan.d()),
                rule.strength()));
      }
      Optional<SteerCondition> condition =
          plan.condition()
              .map(
                  when ->
                      new SteerCondition(
                          tensors.of(when.read(), when.readBias().length, plan.d()).get(),
                          tensors.of(when.readBias(), when.readBias().length).get(),
                          when.threshold()));
      return backend.steerKernel(plan.d(), rules, condition);
    }
  }

  /** A plan's arrays in a backend's memory. */
  private record Tensors(Backend backend, List<TensorOwner> owned) implements AutoCloseable {
    Tensors(Backend backend) {
      this(backend, new ArrayList<>());
    }

    Optional<TensorView> of(float[] values, long... extents) {
      if (values.length == 0) {
        return Optional.empty();
      }
      HostTensor host = HostTensor.ofFloats(Shape.of(extents), values);
      owned.add(host);
      TensorOwner placed = backend.place(host.view());
      owned.add(placed);
      return Optional.of(placed.view());
    }

    @Override
    public void close() {
      owned.forEach(TensorOwner::close);
    }
  }
}
