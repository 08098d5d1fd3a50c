package dev.coxswain.demo;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.explain.Vocabulary;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The features that stand for the word. */
final class ChooseFeatures implements Step {
  private static final int FEATURES = 4;

  private final Workshop shop;

  ChooseFeatures(Workshop shop) {
    this.shop = shop;
  }

  @Override
  public String name() {
    return "choose";
  }

  @Override
  public String title() {
    return "choosing the features of \"" + shop.options().word() + "\"";
  }

  @Override
  public Map<String, Object> settings() {
    return Map.of("word", shop.options().word(), "features", FEATURES);
  }

  @Override
  public List<Path> outputs() {
    return List.of();
  }

  @Override
  public ObjectNode run(ObjectNode figures, Listener listener) {
    String word = shop.options().word();
    DemoFolder folder = shop.folder();
    try (Vocabulary vocabulary = Vocabulary.read(folder.vocabulary(), folder.words())) {
      int row = vocabulary.words().indexOf(word);
      if (row < 0) {
        throw new InvalidDataException(
            "'"
                + word
                + "' is none of the "
                + vocabulary.size()
                + " words that stand in the text often enough; near it: "
                + String.join(", ", NearWords.of(word, vocabulary.words())));
      }
      Explained explained = Explained.read(folder.explanations());
      Map<String, Integer> rows = new HashMap<>();
      vocabulary.words().forEach(each -> rows.put(each, rows.size()));
      FeatureChoice.Directions directions =
          (each, features) ->
              cosine(row(vocabulary.embeddings(), rows.get(each)), meanWritten(features));
      FeatureChoice choice = FeatureChoice.of(word, explained, directions, FEATURES);
      return figures(word, row, choice);
    }
  }

  /** s̄: the mean of the features' rows of W_dec. */
  private float[] meanWritten(List<Integer> features) {
    float[] mean = new float[shop.sae().width()];
    for (int feature : features) {
      float[] written = row(shop.sae().wDec(), feature);
      for (int e = 0; e < mean.length; e++) {
        mean[e] += written[e] / features.size();
      }
    }
    return mean;
  }

  private static float[] row(TensorView matrix, int row) {
    float[] values = new float[Math.toIntExact(matrix.shape().extent(1))];
    HostMemory.copy(matrix.rows(row, row + 1).address(), values, 0, values.length);
    return values;
  }

  private static double cosine(float[] a, float[] b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return dot / Math.sqrt(Math.max(aa * bb, Double.MIN_NORMAL));
  }

  private static ObjectNode figures(String word, int row, FeatureChoice choice) {
    ObjectNode figures = JsonNodeFactory.instance.objectNode().put("word", word);
    figures.put("word_row", row);
    ArrayNode features = figures.putArray("features");
    choice.features().forEach(features::add);
    ArrayNode words = figures.putArray("words");
    choice.words().forEach(words::add);
    return figures;
  }

  @Override
  public String result(ObjectNode own) {
    List<String> features = new ArrayList<>();
    own.path("features").forEach(feature -> features.add(feature.asText()));
    return String.join(", ", features);
  }
}
