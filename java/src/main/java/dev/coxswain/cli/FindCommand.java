package dev.coxswain.cli;

import dev.coxswain.explain.ExplainedWord;
import dev.coxswain.explain.Explanation;
import dev.coxswain.explain.FeatureIndex;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "find", description = "Find features by word, best first.")
final class FindCommand extends BaseCommand {
  @Option(
      names = "--explanations",
      required = true,
      paramLabel = "E.jsonl",
      description = "What cox explain wrote.")
  private Path explanations;

  @Option(names = "--top", paramLabel = "N", defaultValue = "10", description = "Features to show.")
  private int top;

  @Parameters(arity = "1..*", paramLabel = "WORD", description = "Words the feature should mean.")
  private List<String> words;

  @Mixin private JsonOption json;

  @Override
  protected void run() {
    requireAtLeast("--top", top, 1);
    List<FeatureIndex.Match> found =
        new FeatureIndex(Explanation.readAll(explanations)).find(words);
    List<FeatureIndex.Match> shown = found.subList(0, Math.min(top, found.size()));
    if (json.wanted()) {
      json.print(out, Map.of("features", shown.stream().map(FindCommand::asObject).toList()));
    } else if (found.isEmpty()) {
      message("no feature is explained by " + String.join(" or ", words));
    } else {
      shown.forEach(
          match -> out.line("%6d  %.4g  %s", match.feature(), match.score(), text(match)));
    }
  }

  private static String text(FeatureIndex.Match match) {
    return String.join(" ", match.explanation().words().stream().map(ExplainedWord::word).toList());
  }

  private static Map<String, Object> asObject(FeatureIndex.Match match) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("feature", match.feature());
    object.put("score", match.score());
    object.put("matched", match.matched());
    object.put("words", match.explanation().words().stream().map(ExplainedWord::word).toList());
    return object;
  }
}
