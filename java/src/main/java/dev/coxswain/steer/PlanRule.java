package dev.coxswain.steer;

import java.util.List;

/** One rule of a plan as written (math.md, steering); rules run in order. */
public sealed interface PlanRule {

  /** The rule's {@code op}. */
  String op();

  /** A rule over a set of features, in the set's own order, none twice. */
  sealed interface OnFeatures extends PlanRule {
    List<Integer> features();
  }

  /** x' = x + α·h S. */
  record Amplify(List<Integer> features, float alpha) implements OnFeatures {
    public Amplify {
      features = List.copyOf(features);
    }

    @Override
    public String op() {
      return "amplify";
    }
  }

  /** x' = x − h S + β·s̄. */
  record Calibrate(List<Integer> features, Strength beta) implements OnFeatures {
    public Calibrate {
      features = List.copyOf(features);
    }

    @Override
    public String op() {
      return "calibrate";
    }
  }

  /** v = ReLU(τ − h), x' = x + τ·(v/Σv) S at the norm of x. */
  record Enforce(List<Integer> features, Strength value) implements OnFeatures {
    public Enforce {
      features = List.copyOf(features);
    }

    @Override
    public String op() {
      return "enforce";
    }
  }

  /** x' = x + (τ − h) S. */
  record Clamp(List<Integer> features, Strength value) implements OnFeatures {
    public Clamp {
      features = List.copyOf(features);
    }

    @Override
    public String op() {
      return "clamp";
    }
  }

  /** x' = x + γ·Σ_j S[j]. */
  record Add(List<Integer> features, Strength strength) implements OnFeatures {
    public Add {
      features = List.copyOf(features);
    }

    @Override
    public String op() {
      return "add";
    }
  }

  /**
   * x' = x + γ·v.
   *
   * @param file a safetensors file; a relative path starts at the plan's folder
   * @param row of a tensor [V, d]; 0 for a tensor [d]
   */
  record Vector(String file, String tensor, long row, Strength strength) implements PlanRule {
    @Override
    public String op() {
      return "vector";
    }
  }
}
