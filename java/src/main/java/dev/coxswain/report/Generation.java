package dev.coxswain.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.InvalidDataException;

/** One text the model wrote: {@code prompt}, {@code kind}, {@code tokens}, {@code activations}. */
final class Generation {
  private Generation() {}

  static ObjectNode forPage(JsonNode line) {
    for (String field : new String[] {"prompt", "kind"}) {
      if (!line.path(field).isTextual()) {
        throw new InvalidDataException("a text has no \"" + field + "\" of type string");
      }
    }
    JsonNode tokens = line.path("tokens");
    JsonNode activations = line.path("activations");
    if (!tokens.isArray() || tokens.size() != activations.size()) {
      throw new InvalidDataException(
          "a text has "
              + tokens.size()
              + " tokens and "
              + activations.size()
              + " activations; one activation a token is needed");
    }
    ObjectNode text = JsonNodeFactory.instance.objectNode();
    text.set("prompt", line.get("prompt"));
    text.set("kind", line.get("kind"));
    text.put("finish", line.path("finish").asText());
    text.set("tokens", tokens);
    ArrayNode rounded = text.putArray("activations");
    activations.forEach(a -> rounded.add(Rounded.digits(a.asDouble(), 3)));
    return text;
  }
}
