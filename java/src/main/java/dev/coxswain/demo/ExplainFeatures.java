package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.explain.ExplainSettings;
import dev.coxswain.explain.Explainer;
import dev.coxswain.explain.Vocabulary;
import dev.coxswain.io.JsonLines;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Every feature gets the words that tell most about it. */
final class ExplainFeatures implements Step {
  private static final int WORDS = 8;

  private final Workshop shop;

  ExplainFeatures(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "explain";
  }

  @Override
  public String title() {
    return "giving every feature its words";
  }

  @Override
  public Map<String, Object> settings() {
    return Map.of("words", WORDS);
  }

  @Override
  public List<Path> outputs() {
    return List.of(shop.folder().explanations());
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    DemoFolder folder = shop.folder();
    try (Vocabulary vocabulary = Vocabulary.read(folder.vocabulary(), folder.words());
        JsonLines.Writer lines = JsonLines.create(folder.explanations())) {
      new Explainer(shop.backend())
          .explain(
              shop.sae(),
              vocabulary,
              ExplainSettings.DEFAULT.withTop(WORDS),
              done -> listener.progress(done, 2L * shop.sae().features(), "features", ""),
              lines::write);
      lines.commit();
    }
    return JsonNodeFactory.instance.objectNode();
  }
}
