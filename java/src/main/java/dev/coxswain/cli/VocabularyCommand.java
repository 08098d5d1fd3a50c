package dev.coxswain.cli;

import dev.coxswain.explain.ContextsVocabulary;
import dev.coxswain.explain.Vocabulary;
import dev.coxswain.explain.WordList;
import dev.coxswain.io.Harvest;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(name = "vocabulary", description = "Make word vectors to explain features with.")
final class VocabularyCommand extends BaseCommand {
  /** Where a word's vector comes from. */
  enum Source {
    CONTEXTS
  }

  @Option(
      names = "--from",
      required = true,
      paramLabel = "SOURCE",
      description = "contexts: the mean hidden state over a word's occurrences in a harvest.")
  private Source source;

  @Option(
      names = "--in",
      required = true,
      paramLabel = "HARVEST",
      description = "A harvest's folder.")
  private Path in;

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

  @Override
  protected void run() {
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
