package dev.coxswain.steer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.io.Json;
import java.util.List;

/** Writes a plan as the JSON that {@link PlanParser} reads. */
final class PlanWriter {
  private PlanWriter() {}

  static String toJson(Plan plan) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("read", plan.read().toString());
    json.put("positions", plan.positions().toString());
    json.put("bos", plan.bos());
    plan.when().ifPresent(when -> putWhen(json.putObject("when"), when));
    plan.gate().ifPresent(gate -> putGate(json.putObject("gate"), gate));
    ArrayNode rules = json.putArray("rules");
    plan.rules().forEach(rule -> putRule(rules.addObject(), rule));
    try {
      return Json.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a plan is always writable", e);
    }
  }

  private static void putFeatures(ObjectNode json, List<Integer> features) {
    features.forEach(json.putArray("features")::add);
  }

  private static void putWhen(ObjectNode json, RowCondition when) {
    putFeatures(json, when.features());
    json.put("threshold", when.threshold());
  }

  private static void putGate(ObjectNode json, RequestGate gate) {
    putFeatures(json, gate.features());
    gate.weights().forEach(json.putArray("weights")::add);
    json.put("bias", gate.bias());
    json.put("threshold", gate.threshold());
    json.put("pool", gate.pool().toString());
    json.put("rows", gate.rows().toString());
  }

  private static void putRule(ObjectNode json, PlanRule rule) {
    json.put("op", rule.op());
    if (rule instanceof PlanRule.OnFeatures onFeatures) {
      putFeatures(json, onFeatures.features());
    }
    if (rule instanceof PlanRule.Amplify amplify) {
      json.put("alpha", amplify.alpha());
    } else if (rule instanceof PlanRule.Calibrate calibrate) {
      putStrength(json, "beta", calibrate.beta());
    } else if (rule instanceof PlanRule.Enforce enforce) {
      putStrength(json, "value", enforce.value());
    } else if (rule instanceof PlanRule.Clamp clamp) {
      putStrength(json, "value", clamp.value());
    } else if (rule instanceof PlanRule.Add add) {
      putStrength(json, "strength", add.strength());
    } else if (rule instanceof PlanRule.Vector vector) {
      json.put("file", vector.file());
      json.put("tensor", vector.tensor());
      json.put("row", vector.row());
      putStrength(json, "strength", vector.strength());
    }
  }

  private static void putStrength(ObjectNode json, String key, Strength strength) {
    switch (strength.unit()) {
      case RAW -> json.put(key, strength.value());
      case RELATIVE -> json.putObject(key).put("relative", strength.value());
    }
  }
}
