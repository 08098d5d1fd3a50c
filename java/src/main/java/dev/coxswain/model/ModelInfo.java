package dev.coxswain.model;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * What a GGUF model is.
 *
 * @param architecture as "llama" or "gemma3"
 * @param name that its makers gave it
 * @param layers blocks; hidden states are to be had after 0 to layers − 2
 * @param width d
 * @param vocabulary tokens
 * @param context tokens it was trained on
 * @param chat whether it has a chat template
 */
public record ModelInfo(
    String architecture,
    String name,
    int layers,
    int width,
    int vocabulary,
    int context,
    boolean chat) {
  static ModelInfo of(JsonNode node) {
    return new ModelInfo(
        node.get("architecture").asText(),
        node.get("name").asText(),
        node.get("layers").asInt(),
        node.get("width").asInt(),
        node.get("vocabulary").asInt(),
        node.get("context").asInt(),
        node.get("chat").asBoolean());
  }
}
