package dev.coxswain.cli;

import dev.coxswain.error.UsageException;
import dev.coxswain.explain.ContextsVocabulary;
import dev.coxswain.explain.Vocabulary;
import dev.coxswain.explain.WordList;
import dev.coxswain.io.Harvest;
import dev.coxswain.model.LlamaProcess;
import dev.coxswain.model.VocabularyRequest;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "vocabulary", description = "Make word vectors to explain features with.")
final class VocabularyCommand extends BaseCommand {
  /** Where a word's vector comes from. */
  enum Source {
    CONTEXTS,
    TEMPLATE,
    UNEMBEDDING
  }

  @Option(
      names = "--from",
      required = true,
      paramLabel = "SOURCE",
      description = {
        "contexts: the mean hidden state over a word's occurrences in a harvest;",
        "template: a model's hidden state at the end of \"The word is WORD\";",
        "unembedding: a model's output-embedding rows of the word's tokens."
      })
  private Source source;

  @Option(names = "--in", paramLabel = "HARVEST", description = "A harvest's folder (contexts).")
  private Path in;

  @Option(
      names = "--model",
      paramLabel = "M.gguf",
      description = "A GGUF file, or a name of 'cox model list' (template, unembedding).")
  private String model;

  @Option(
      names = "--layer",
      paramLabel = "L",
      description = "The block whose output is read, from 0 (template).")
  private Integer layer;

  @Option(
      names = "--words",
      paramLabel = "W.txt",
      description = "Words to embed, one a line (default: the corpus' whole words).")
  private Path words;

  @Option(
      names = "--min-count",
      paramLabel = "N",
      defaultValue = "8",
      description = "Occurrences a word needs.")
  private int minCount;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "V.safetensors",
      description = "Also writes V.words.txt, and V.dropped.txt with reasons.")
  private Path output;

  @Mixin private ComputeOptions compute;

  @Override
  protected void run() {
    if (source == Source.CONTEXTS) {
      fromContexts();
    } else {
      fromModel();
    }
  }

  private void fromModel() {
    String named = required("--model", model);
    int read = source == Source.TEMPLATE ? required("--layer", layer) : 0;
    List<String> list = WordList.read(required("--words", words));
    try (LlamaProcess process = ModelOptions.start(named, compute)) {
      VocabularyRequest.Result result =
          process.vocabulary(
              new VocabularyRequest(
                  VocabularyRequest.Source.valueOf(source.name()), read, list, output));
      out.line("%d words embedded, %d dropped", result.words(), result.dropped());
    }
  }

  private <T> T required(String option, T value) {
    if (value == null) {
      String name = source.name().toLowerCase(java.util.Locale.ROOT);
      throw new UsageException("--from " + name + " needs " + option);
    }
    return value;
  }

  private void fromContexts() {
    required("--in", in);
    requireAtLeast("--min-count", minCount, 1);
    try (Harvest harvest = Harvest.open(in);
        Progress progress = Progress.start("reading words", harvest.rows(), "rows")) {
      ContextsVocabulary built =
          ContextsVocabulary.build(
              harvest, minCount, Optional.ofNullable(words).map(WordList::read), progress::update);
      try (Vocabulary vocabulary = built.vocabulary()) {
        vocabulary.write(output, built.dropped());
        out.line("%d words embedded, %d dropped", vocabulary.size(), built.dropped().size());
      }
    }
  }
}
