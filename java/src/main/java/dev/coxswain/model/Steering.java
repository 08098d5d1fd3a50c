package dev.coxswain.model;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;

/**
 * A plan to run a model with.
 *
 * @param sae the SAE's folder or file
 * @param plan the plan's JSON
 * @param base where the plan's relative file names start
 */
public record Steering(Path sae, String plan, Path base) {
  ObjectNode toJson() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("sae", sae.toAbsolutePath().toString())
        .put("plan", plan)
        .put("base", base.toAbsolutePath().toString());
  }
}
