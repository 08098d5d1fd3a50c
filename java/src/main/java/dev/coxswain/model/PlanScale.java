package dev.coxswain.model;

import dev.coxswain.steer.Plan;
import dev.coxswain.steer.PlanRule;
import dev.coxswain.steer.Strength;
import java.util.List;

/** A plan with the strength of every rule multiplied. */
final class PlanScale {
  private PlanScale() {}

  static Plan scale(Plan plan, double factor) {
    List<PlanRule> rules = plan.rules().stream().map(rule -> scale(rule, factor)).toList();
    return plan.withRules(rules);
  }

  private static PlanRule scale(PlanRule rule, double factor) {
    if (rule instanceof PlanRule.Amplify r) {
      return new PlanRule.Amplify(r.features(), (float) (r.alpha() * factor));
    }
    if (rule instanceof PlanRule.Calibrate r) {
      return new PlanRule.Calibrate(r.features(), scale(r.beta(), factor));
    }
    if (rule instanceof PlanRule.Enforce r) {
      return new PlanRule.Enforce(r.features(), scale(r.value(), factor));
    }
    if (rule instanceof PlanRule.Clamp r) {
      return new PlanRule.Clamp(r.features(), scale(r.value(), factor));
    }
    if (rule instanceof PlanRule.Add r) {
      return new PlanRule.Add(r.features(), scale(r.strength(), factor));
    }
    PlanRule.Vector r = (PlanRule.Vector) rule;
    return new PlanRule.Vector(r.file(), r.tensor(), r.row(), scale(r.strength(), factor));
  }

  private static Strength scale(Strength strength, double factor) {
    return new Strength((float) (strength.value() * factor), strength.unit());
  }
}
