package dev.coxswain.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  private static final String HOSTILE =
      "</script><img src=x onerror=\"alert(1)\"><!--&amp;\u2028{{script}}";
  private static final Set<String> VOID = Set.of("meta", "input", "br", "img", "link");

  @TempDir Path folder;

  @Test
  void shouldShowEveryFigureAsTheSummaryHasIt() throws IOException {
    SyntheticRun run = new SyntheticRun(folder, 12, 1);
    JsonNode data = SyntheticRun.dataOf(page(run.write(f -> "school", " word")));
    assertEquals(Json.read(folder.resolve("summary.json")), data.get("summary"));
  }

  @Test
  void shouldKeepHostileWordsAndTokensAsData() throws IOException {
    String plain = page(new SyntheticRun(folder, 12, 1).write(f -> "school", " word"));
    String hostile = page(new SyntheticRun(folder, 12, 1).write(f -> HOSTILE, HOSTILE));
    assertEquals(count("(?i)</script", plain), count("(?i)</script", hostile));
    assertEquals(count("(?i)<img|<!--", plain), count("(?i)<img|<!--", hostile));
    JsonNode data = SyntheticRun.dataOf(hostile);
    assertEquals(HOSTILE, data.at("/features/words/3/0").asText());
    assertTrue(data.at("/features/contexts/0").toString().contains("onerror"));
    assertTrue(data.at("/generations/0/tokens").toString().contains("onerror"));
  }

  @Test
  void shouldLoadNothingFromANetwork() throws IOException {
    String page = page(new SyntheticRun(folder, 12, 1).write(f -> "school", " word"));
    String namespaceAside = page.replace("http://www.w3.org/2000/svg", "");
    assertEquals(
        0, count("(?i)https?:|//[a-z]+\\.|\\burl\\(|@import|\\bfetch\\(|XMLHttp", namespaceAside));
    assertTrue(page.contains("content=\"default-src 'none';"));
  }

  @Test
  void shouldCloseEveryElementItOpens() throws IOException {
    String page = page(new SyntheticRun(folder, 12, 1).write(f -> HOSTILE, HOSTILE));
    String markup = page.replaceAll("(?s)(<(script|style)[^>]*>).*?(</\\2>)", "$1$3");
    Deque<String> open = new ArrayDeque<>();
    Matcher tags = Pattern.compile("<(/?)([a-z0-9]+)[^>]*>").matcher(markup);
    while (tags.find()) {
      if (!tags.group(1).isEmpty()) {
        assertEquals(open.pop(), tags.group(2));
      } else if (!VOID.contains(tags.group(2))) {
        open.push(tags.group(2));
      }
    }
    assertTrue(open.isEmpty(), () -> "left open: " + open);
  }

  @Test
  void shouldKeepFiveContextsOfEachFeatureAroundItsStrongestToken() throws IOException {
    SyntheticRun run = new SyntheticRun(folder, 12, 1);
    JsonNode contexts =
        SyntheticRun.dataOf(page(run.write(f -> "school", " word"))).at("/features/contexts");
    assertEquals(12, contexts.size());
    contexts.forEach(feature -> assertEquals(5, feature.size()));
    JsonNode peak =
        SyntheticRun.dataOf(Files.readString(folder.resolve("r.html"))).at("/features/peak/0");
    assertTrue(contexts.get(0).toString().contains(peak.toString() + ","));
  }

  @Test
  void shouldCountSilentFeaturesApartInTheHistogram() throws IOException {
    SyntheticRun run = new SyntheticRun(folder, 64, 1);
    JsonNode histogram =
        SyntheticRun.dataOf(page(run.write(f -> "school", " word"))).get("histogram");
    int counted = 0;
    for (JsonNode bin : histogram.get("counts")) {
      counted += bin.asInt();
    }
    assertEquals(1, histogram.get("never").asInt());
    assertEquals(63, counted);
  }

  @Test
  void shouldStaySmallForAWholeDictionary() throws IOException {
    SyntheticRun run = new SyntheticRun(folder, 4096, 1);
    page(run.write(f -> SyntheticRun.WORDS.get(f % 9), " word"));
    long bytes = Files.size(folder.resolve("r.html"));
    assertTrue(bytes < 6_000_000, () -> bytes + " bytes");
  }

  @Test
  void shouldMakeAPageOfExplanationsAlone() throws IOException {
    SyntheticRun run = new SyntheticRun(folder, 3, 1);
    run.writeExplanations(f -> "school");
    ReportInputs.Dictionary dictionary = new ReportInputs.Dictionary(3, 8, 2);
    String page = page(ReportInputs.of(dictionary, folder.resolve("explanations.jsonl")).build());
    assertFalse(SyntheticRun.dataOf(page).has("summary"));
  }

  @Test
  void shouldRefuseExplanationsOfAnotherAutoencoder() {
    SyntheticRun run = new SyntheticRun(folder, 3, 1);
    run.writeExplanations(f -> "school");
    assertEquals(
        path("explanations.jsonl") + " explains 3 features, the autoencoder has 4", failure(4));
    assertEquals(
        path("explanations.jsonl")
            + ", line 3: feature is 2; one line a feature, 0 to 1 in order, is needed",
        failure(2));
    assertFalse(Files.exists(folder.resolve("r.html")));
  }

  @Test
  void shouldNameTheLineOfATextWithoutAnActivationForEachToken() {
    SyntheticRun run = new SyntheticRun(folder, 3, 1);
    ReportInputs inputs = run.write(f -> "school", " word");
    AtomicFile.writeString(
        folder.resolve("generations.jsonl"),
        "{\"prompt\":\"p\",\"kind\":\"plain\",\"tokens\":[\"a\",\"b\"],\"activations\":[0]}\n");
    InvalidDataException e = assertThrows(InvalidDataException.class, () -> page(inputs));
    assertEquals(
        path("generations.jsonl")
            + ", line 1: a text has 2 tokens and 1 activations; one activation a token is needed",
        e.getMessage());
  }

  private String failure(int features) {
    ReportInputs.Dictionary dictionary = new ReportInputs.Dictionary(features, 8, 2);
    ReportInputs inputs = ReportInputs.of(dictionary, folder.resolve("explanations.jsonl")).build();
    return assertThrows(InvalidDataException.class, () -> page(inputs)).getMessage();
  }

  private Path path(String name) {
    return folder.resolve(name);
  }

  private String page(ReportInputs inputs) throws IOException {
    Report.write(inputs, folder.resolve("r.html"));
    return Files.readString(folder.resolve("r.html"));
  }

  private static long count(String pattern, String text) {
    return Pattern.compile(pattern).matcher(text).results().count();
  }
}
