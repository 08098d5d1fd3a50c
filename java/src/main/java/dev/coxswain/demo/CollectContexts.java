package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.explain.Contexts;
import dev.coxswain.io.JsonLines;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Where in the text each feature is strongest. */
final class CollectContexts implements Step {
  private static final int CONTEXTS = 10;

  private final Workshop shop;

  CollectContexts(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "contexts";
  }

  @Override
  public String title() {
    return "finding where each feature fires";
  }

  @Override
  public Map<String, Object> settings() {
    return Map.of("contexts", CONTEXTS);
  }

  @Override
  public List<Path> outputs() {
    return List.of(shop.folder().contexts());
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    long rows = shop.harvest().rows();
    try (JsonLines.Writer lines = JsonLines.create(shop.folder().contexts())) {
      Contexts.collect(
          shop.backend(),
          shop.sae(),
          shop.harvest(),
          CONTEXTS,
          done -> listener.progress(done, rows, "rows", ""),
          lines::write);
      lines.commit();
    }
    return JsonNodeFactory.instance.objectNode();
  }
}
