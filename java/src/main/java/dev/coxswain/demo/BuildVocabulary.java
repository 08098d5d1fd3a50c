package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.explain.ContextsVocabulary;
import dev.coxswain.explain.Vocabulary;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Each frequent word gets the mean hidden state where it stands. */
final class BuildVocabulary implements Step {
  private static final int MIN_COUNT = 8;

  private final Workshop shop;

  BuildVocabulary(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "vocabulary";
  }

  @Override
  public String title() {
    return "finding what words look like inside the model";
  }

  @Override
  public Map<String, Object> settings() {
    return Map.of("min_count", MIN_COUNT);
  }

  @Override
  public List<Path> outputs() {
    return List.of(shop.folder().vocabulary(), shop.folder().words());
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    long rows = shop.harvest().rows();
    ContextsVocabulary built =
        ContextsVocabulary.build(
            shop.harvest(),
            MIN_COUNT,
            Optional.empty(),
            done -> listener.progress(done, rows, "rows", ""));
    try (Vocabulary vocabulary = built.vocabulary()) {
      vocabulary.write(shop.folder().vocabulary(), built.dropped());
      return JsonNodeFactory.instance.objectNode().put("vocabulary", vocabulary.size());
    }
  }

  @Override
  public String result(ObjectNode own) {
    return String.format(Locale.ROOT, "%,d words", own.path("vocabulary").asLong());
  }
}
