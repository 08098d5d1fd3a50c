package dev.coxswain.steer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads the JSON of a plan; anything it does not know is an error that names the place. */
final class PlanParser {
  private PlanParser() {}

  static Plan parse(String name, String json) {
    PlanField plan =
        new PlanField(name, "", tree(name, json))
            .object("a plan", "read", "positions", "bos", "when", "gate", "rules");
    Positions positions =
        plan.optional("positions").map(p -> p.oneOf(Positions.values())).orElse(Positions.ALL);
    Optional<RequestGate> gate = plan.optional("gate").map(PlanParser::gate);
    if (gate.isPresent() && positions != Positions.REPLY && positions != Positions.GENERATED) {
      throw plan.error(
          "has a gate and positions '"
              + positions
              + "'; a gate is decided before the reply, so positions must be reply or generated");
    }
    return new Plan(
        name,
        plan.optional("read").map(r -> r.oneOf(ReadMode.values())).orElse(ReadMode.ENCODER),
        positions,
        plan.optional("bos").map(PlanField::truth).orElse(false),
        plan.optional("when").map(PlanParser::when),
        gate,
        rules(plan.required("rules")));
  }

  /** NaN and Infinity are let through here so that the error can say which field holds them. */
  private static JsonNode tree(String name, String json) {
    try {
      JsonNode tree =
          Json.mapper().reader().with(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).readTree(json);
      if (tree.isMissingNode()) {
        throw new InvalidDataException(name + ": is empty; a JSON object is needed");
      }
      return tree;
    } catch (JsonProcessingException e) {
      String where =
          e.getLocation() == null
              ? ""
              : " at line "
                  + e.getLocation().getLineNr()
                  + ", column "
                  + e.getLocation().getColumnNr();
      String what =
          e.getOriginalMessage().lines().findFirst().orElse("").replaceAll("\\p{Cntrl}", "?");
      throw new InvalidDataException(name + ": not valid JSON" + where + ": " + what, e);
    }
  }

  private static RowCondition when(PlanField field) {
    field.object("when", "features", "threshold");
    return new RowCondition(
        field.required("features").features(), field.required("threshold").number());
  }

  private static RequestGate gate(PlanField field) {
    field.object("gate", "features", "weights", "bias", "threshold", "pool", "rows");
    List<Integer> features = field.required("features").features();
    PlanField weights = field.required("weights");
    List<Float> numbers = weights.list().stream().map(PlanField::number).toList();
    if (numbers.size() != features.size()) {
      throw weights.error(
          "has " + numbers.size() + " numbers for " + features.size() + " features");
    }
    return new RequestGate(
        features,
        numbers,
        field.required("bias").number(),
        field.required("threshold").number(),
        field.required("pool").oneOf(RequestGate.Pool.values()),
        field.required("rows").oneOf(RequestGate.Rows.values()));
  }

  private static List<PlanRule> rules(PlanField field) {
    List<PlanRule> rules = new ArrayList<>();
    for (PlanField rule : field.list()) {
      rules.add(rule(rule));
    }
    return rules;
  }

  private static PlanRule rule(PlanField rule) {
    if (!rule.value().isObject()) {
      throw rule.error("is " + rule.value() + "; an object is needed");
    }
    PlanField op = rule.required("op");
    return switch (op.text()) {
      case "amplify" -> {
        List<Integer> features = features(rule, "amplify", "alpha");
        yield new PlanRule.Amplify(features, rule.required("alpha").number());
      }
      case "calibrate" -> {
        List<Integer> features = features(rule, "calibrate", "beta");
        yield new PlanRule.Calibrate(features, rule.required("beta").strength());
      }
      case "enforce" -> {
        List<Integer> features = features(rule, "enforce", "value");
        yield new PlanRule.Enforce(features, rule.required("value").strength());
      }
      case "clamp" -> {
        List<Integer> features = features(rule, "clamp", "value");
        yield new PlanRule.Clamp(features, rule.required("value").strength());
      }
      case "add" -> {
        List<Integer> features = features(rule, "add", "strength");
        yield new PlanRule.Add(features, rule.required("strength").strength());
      }
      case "vector" -> vector(rule);
      default ->
          throw op.error(
              "is '"
                  + op.text()
                  + "'; amplify, calibrate, enforce, clamp, add or vector is needed");
    };
  }

  private static List<Integer> features(PlanField rule, String op, String parameter) {
    rule.object("op '" + op + "'", "op", "features", parameter);
    return rule.required("features").features();
  }

  private static PlanRule vector(PlanField rule) {
    rule.object("op 'vector'", "op", "file", "tensor", "row", "strength");
    return new PlanRule.Vector(
        rule.required("file").text(),
        rule.required("tensor").text(),
        rule.optional("row").map(row -> row.index(Long.MAX_VALUE)).orElse(0L),
        rule.required("strength").strength());
  }
}
