package dev.coxswain.report;

import java.nio.file.Path;
import java.util.Optional;

/**
 * The files a report is made of (formats in docs/formats.md). Only the explanations are necessary;
 * each other file adds its part of the page. Immutable.
 *
 * @param dictionary what the page says about the autoencoder
 * @param explanations JSON lines, one object a feature, in feature order
 * @param contexts JSON lines: each feature's strongest real contexts, and how often it fires
 * @param metrics JSON lines of a training run
 * @param summary one JSON object with the figures of a whole run
 * @param generations JSON lines: texts written plain and steered
 * @param command the command that made the report, as a user would type it
 */
public record ReportInputs(
    Dictionary dictionary,
    Path explanations,
    Optional<Path> contexts,
    Optional<Path> metrics,
    Optional<Path> summary,
    Optional<Path> generations,
    String command) {

  /**
   * The autoencoder in a few numbers.
   *
   * @param k features selected a token, 0 where the activation selects none
   */
  public record Dictionary(int features, int width, int k) {}

  public static Builder of(Dictionary dictionary, Path explanations) {
    return new Builder(dictionary, explanations);
  }

  /** Collects the optional parts. */
  public static final class Builder {
    private final Dictionary dictionary;
    private final Path explanations;
    private Optional<Path> contexts = Optional.empty();
    private Optional<Path> metrics = Optional.empty();
    private Optional<Path> summary = Optional.empty();
    private Optional<Path> generations = Optional.empty();
    private String command = "cox report";

    private Builder(Dictionary dictionary, Path explanations) {
      this.dictionary = dictionary;
      this.explanations = explanations;
    }

    public Builder contexts(Optional<Path> value) {
      contexts = value;
      return this;
    }

    public Builder metrics(Optional<Path> value) {
      metrics = value;
      return this;
    }

    public Builder summary(Optional<Path> value) {
      summary = value;
      return this;
    }

    public Builder generations(Optional<Path> value) {
      generations = value;
      return this;
    }

    public Builder command(String value) {
      command = value;
      return this;
    }

    public ReportInputs build() {
      return new ReportInputs(
          dictionary, explanations, contexts, metrics, summary, generations, command);
    }
  }
}
