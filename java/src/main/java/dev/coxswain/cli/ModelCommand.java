package dev.coxswain.cli;

import dev.coxswain.model.ModelCache;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "model",
    description = "Fetch a model or a corpus by name into the cache, or list them.",
    subcommands = {ModelCommand.Get.class, ModelCommand.ListAll.class})
final class ModelCommand extends GroupCommand {

  @Command(name = "get", description = "Fetch what NAME stands for, check it, say where it is.")
  static final class Get extends BaseCommand {
    @Parameters(paramLabel = "NAME", description = "As 'cox model list' names it.")
    private String name;

    @Option(
        names = "--accept-terms",
        description = "You accept the terms that a model comes with, where it comes with any.")
    private boolean acceptTerms;

    @Override
    protected void run() {
      ModelCache.Terms terms =
          acceptTerms ? ModelCache.Terms.ACCEPTED : ModelCache.Terms.NOT_ACCEPTED;
      Path file = ModelCache.open().get(name, terms, line -> message("cox: " + line));
      out.line(file.toString());
    }
  }

  @Command(name = "list", description = "List what can be fetched, and where it is if it was.")
  static final class ListAll extends BaseCommand {
    @Mixin private JsonOption json;

    @Override
    protected void run() {
      List<ModelCache.Entry> entries = ModelCache.open().list();
      if (json.wanted()) {
        json.print(out, Map.of("models", entries.stream().map(ListAll::asObject).toList()));
        return;
      }
      for (ModelCache.Entry entry : entries) {
        out.line(entry.name() + "  " + entry.what());
        out.line("    " + entry.file().map(Path::toString).orElse("not fetched"));
      }
    }

    private static Map<String, Object> asObject(ModelCache.Entry entry) {
      Map<String, Object> object = new LinkedHashMap<>();
      object.put("name", entry.name());
      object.put("what", entry.what());
      object.put("file", entry.file().map(Path::toString).orElse(null));
      return object;
    }
  }
}
