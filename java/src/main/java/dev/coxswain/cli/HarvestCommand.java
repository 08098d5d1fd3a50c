package dev.coxswain.cli;

import dev.coxswain.model.HarvestRequest;
import dev.coxswain.model.LlamaProcess;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "harvest",
    description = "Write a model's hidden states after a block, of every token of texts.")
final class HarvestCommand extends BaseCommand {
  @Mixin private ModelOptions model;

  @Option(
      names = "--layer",
      required = true,
      paramLabel = "L",
      description = "The block whose output to write, from 0.")
  private int layer;

  @Option(
      names = "--text",
      required = true,
      arity = "1..*",
      paramLabel = "T",
      description =
          "Text files, a document each; or .jsonl, a document a line as {\"text\": \"...\"}.")
  private List<Path> texts;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The harvest's folder.")
  private Path folder;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Stop after N tokens.")
  private Long maxTokens;

  @Option(
      names = "--context",
      paramLabel = "N",
      defaultValue = "512",
      description = "Tokens of a context; documents are cut into these (default: 512).")
  private int context;

  @Mixin private JsonOption json;

  @Override
  protected void run() {
    if (maxTokens != null) {
      requireAtLeast("--max-tokens", maxTokens, 1);
    }
    requireAtLeast("--context", context, 2);
    OptionalLong most = maxTokens == null ? OptionalLong.empty() : OptionalLong.of(maxTokens);
    try (LlamaProcess process = model.start();
        Progress progress = Progress.start("harvesting", most.orElse(0), "tokens")) {
      HarvestRequest request = new HarvestRequest(layer, texts, folder, most, context);
      report(process.harvest(request, so -> progress.update(so.rows(), note(so))));
    }
  }

  /** Without --max-tokens nobody knows how many tokens there will be. */
  private String note(HarvestRequest.Progress so) {
    return maxTokens == null ? Math.round(100 * so.share()) + " % of the text" : "";
  }

  private void report(HarvestRequest.Result result) {
    if (json.wanted()) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("out", folder.toString());
      object.put("rows", result.rows());
      object.put("documents", result.documents());
      object.put("tokens_per_s", result.tokensPerSecond());
      json.print(out, object);
    } else {
      out.line(
          "%d tokens of %d documents in %.1f s (%.0f/s) -> %s",
          result.rows(), result.documents(), result.seconds(), result.tokensPerSecond(), folder);
    }
  }
}
