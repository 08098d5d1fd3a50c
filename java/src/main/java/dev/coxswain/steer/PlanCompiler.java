package dev.coxswain.steer;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SteerCondition;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Turns a plan's rules into tensors and strengths, and hashes them on the way. */
final class PlanCompiler {
  private final Plan plan;
  private final SparseAutoencoder sae;
  private final Path baseDir;
  private final FeatureRows rows;
  private final PlanTensors tensors;
  private final PlanHash hash = new PlanHash();

  PlanCompiler(Plan plan, SparseAutoencoder sae, Path baseDir, PlanTensors tensors) {
    this.plan = plan;
    this.sae = sae;
    this.baseDir = baseDir;
    this.rows = new FeatureRows(sae, plan.read());
    this.tensors = tensors;
  }

  SteerKernel kernel(Backend backend) {
    hash.add(sae.width());
    hash.add(plan.positions().toString());
    hash.add(String.valueOf(plan.bos()));
    Optional<SteerCondition> condition = plan.when().map(this::condition);
    List<SteerRule> compiled = new ArrayList<>();
    for (int i = 0; i < plan.rules().size(); i++) {
      rule("rules[" + i + "]", plan.rules().get(i)).ifPresent(compiled::add);
    }
    return backend.steerKernel(sae.width(), compiled, condition);
  }

  byte[] hash() {
    return hash.finish();
  }

  private InvalidDataException error(String place, String what) {
    return new InvalidDataException(plan.name() + ": " + place + " " + what);
  }

  private SteerCondition condition(RowCondition when) {
    requireFeatures("when", when.features());
    requireReadable("when");
    hash.add("when");
    hash.add(when.threshold());
    return new SteerCondition(
        place(rows.read(when.features())), place(rows.readBias(when.features())), when.threshold());
  }

  private Optional<SteerRule> rule(String at, PlanRule rule) {
    if (rule instanceof PlanRule.OnFeatures onFeatures) {
      requireFeatures(at, onFeatures.features());
    }
    if (rule instanceof PlanRule.Amplify amplify) {
      return amplify.alpha() == 0
          ? Optional.empty()
          : Optional.of(reading(at, SteerRule.Kind.AMPLIFY, amplify.features(), amplify.alpha()));
    }
    if (rule instanceof PlanRule.Calibrate calibrate) {
      return Optional.of(calibrate(at, calibrate));
    }
    if (rule instanceof PlanRule.Enforce enforce) {
      float value = enforceValue(at + ".value", enforce.value());
      return Optional.of(reading(at, SteerRule.Kind.ENFORCE, enforce.features(), value));
    }
    if (rule instanceof PlanRule.Clamp clamp) {
      double[] sum = rows.writeSum(clamp.features());
      float value = strength(at + ".value", clamp.value(), sum);
      return Optional.of(reading(at, SteerRule.Kind.CLAMP, clamp.features(), value));
    }
    if (rule instanceof PlanRule.Add add) {
      return adding(at, add.strength(), rows.writeSum(add.features()));
    }
    PlanRule.Vector vector = (PlanRule.Vector) rule;
    return adding(at, vector.strength(), VectorFile.read(plan.name(), at, vector, baseDir, sae));
  }

  private SteerRule reading(
      String at, SteerRule.Kind kind, List<Integer> features, float strength) {
    return reading(at, kind, features, strength, Optional.empty());
  }

  private SteerRule reading(
      String at,
      SteerRule.Kind kind,
      List<Integer> features,
      float strength,
      Optional<TensorView> constant) {
    requireReadable(at);
    hash.add(kind, strength);
    return new SteerRule(
        kind,
        Optional.of(place(rows.read(features))),
        Optional.of(place(rows.readBias(features))),
        Optional.of(place(rows.write(features))),
        constant,
        strength);
  }

  private SteerRule calibrate(String at, PlanRule.Calibrate rule) {
    double[] mean = rows.writeSum(rule.features());
    for (int e = 0; e < mean.length; e++) {
      mean[e] /= rule.features().size();
    }
    float beta = strength(at + ".beta", rule.beta(), mean);
    TensorView constant = place(constant(at + ".beta", beta, mean));
    return reading(at, SteerRule.Kind.CALIBRATE, rule.features(), 0, Optional.of(constant));
  }

  private Optional<SteerRule> adding(String at, Strength strength, double[] direction) {
    float gamma = strength(at + ".strength", strength, direction);
    if (gamma == 0) {
      return Optional.empty();
    }
    hash.add(SteerRule.Kind.ADD, 0);
    TensorView constant = place(constant(at + ".strength", gamma, direction));
    return Optional.of(
        new SteerRule(
            SteerRule.Kind.ADD,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.of(constant),
            0));
  }

  /**
   * strength · direction, each product rounded once: of two float32 numbers it is what a host that
   * scales a control vector itself gets. Strength 0 gives −0, which leaves every x as it is, bits
   * of −0 included.
   */
  private HostTensor constant(String at, float strength, double[] direction) {
    float[] constant = new float[direction.length];
    for (int e = 0; e < constant.length; e++) {
      constant[e] = strength == 0 ? -0f : (float) (strength * direction[e]);
      if (!Float.isFinite(constant[e])) {
        throw error(at, "makes a vector that is not finite in float32; a smaller one is needed");
      }
    }
    return HostTensor.ofFloats(Shape.of(constant.length), constant);
  }

  /** A relative strength is the one that makes strength · direction as long as r × mean norm. */
  private float strength(String at, Strength strength, double[] direction) {
    if (strength.unit() == Strength.Unit.RAW || strength.value() == 0) {
      return strength.value();
    }
    double norm = 0;
    for (double component : direction) {
      norm += component * component;
    }
    if (norm == 0) {
      throw error(at, "is relative, but the vector it scales is zero");
    }
    return finite(at, strength.value() * meanNorm(at) / Math.sqrt(norm));
  }

  private float enforceValue(String at, Strength strength) {
    return strength.unit() == Strength.Unit.RAW
        ? strength.value()
        : finite(at, strength.value() * meanNorm(at));
  }

  private float finite(String at, double value) {
    if (!Float.isFinite((float) value)) {
      throw error(at, "is " + value + " in all; a finite float32 number is needed");
    }
    return (float) value;
  }

  private double meanNorm(String at) {
    return sae.meanNorm()
        .orElseThrow(
            () ->
                error(
                    at,
                    "is relative, but the SAE does not say the mean norm of its training rows ("
                        + SparseAutoencoder.MEAN_NORM
                        + "); a plain number is needed"));
  }

  private void requireFeatures(String at, List<Integer> features) {
    for (int j = 0; j < features.size(); j++) {
      if (features.get(j) >= sae.features()) {
        throw error(
            at + ".features[" + j + "]",
            "is " + features.get(j) + "; the SAE has features 0 to " + (sae.features() - 1));
      }
    }
  }

  /** Activations of a normalised input are not an affine function of the row itself. */
  private void requireReadable(String at) {
    if (plan.read() == ReadMode.ENCODER && sae.normalization() != Normalization.NONE) {
      throw error(
          at,
          "reads with the encoder, but this SAE normalises its input ("
              + sae.normalization()
              + "); \"read\": \"decoder\" is possible");
    }
  }

  private TensorView place(HostTensor tensor) {
    hash.add(tensor.view());
    return tensors.place(tensor);
  }
}
