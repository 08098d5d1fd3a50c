package dev.coxswain.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The page's template with style, script and data put in. */
final class Page {
  private static final Pattern PLACE = Pattern.compile("\\{\\{(\\w+)}}");
  private static final String[] SCRIPTS = {
    "dom.js", "charts.js", "writing.js", "features.js", "figures.js", "report.js"
  };

  private Page() {}

  static String render(JsonNode data) {
    Map<String, String> parts =
        Map.of(
            "style", resource("report.css"),
            "script", Stream.of(SCRIPTS).map(Page::resource).collect(Collectors.joining("\n")),
            "data", inert(data.toString()));
    return fill(resource("report.html"), parts);
  }

  /**
   * JSON text that no HTML parser sees an end tag, a comment or an entity in. These characters
   * stand only inside JSON strings, where the escape means the same.
   */
  static String inert(String json) {
    return json.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029");
  }

  /** One pass over the template: what is put in is never searched for places itself. */
  private static String fill(String template, Map<String, String> parts) {
    StringBuilder page = new StringBuilder();
    Matcher places = PLACE.matcher(template);
    while (places.find()) {
      places.appendReplacement(page, Matcher.quoteReplacement(parts.get(places.group(1))));
    }
    return places.appendTail(page).toString();
  }

  private static String resource(String name) {
    try (InputStream stream = Page.class.getResourceAsStream(name)) {
      if (stream == null) {
        throw new IllegalStateException("the report's " + name + " is not in this build");
      }
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
