package dev.coxswain.model;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Prompts, and how to continue them. Every prompt is continued under every run; the same seed makes
 * the same text.
 *
 * @param prompts texts of a user
 * @param runs plans; empty = the plain model
 * @param layer the block whose output the plans change; −1 where no run has a plan
 * @param raw whether prompts are taken as they stand; empty: only where the model has no chat
 *     template
 * @param system text of the system's message, if any
 * @param activations whose activations to report under every token
 */
public record GenerateRequest(
    List<String> prompts,
    List<Optional<Steering>> runs,
    int layer,
    int maxTokens,
    Sampling sampling,
    Optional<Boolean> raw,
    Optional<String> system,
    Optional<Activations> activations) {
  /** The layer of a request without plans. */
  public static final int NO_LAYER = -1;

  public GenerateRequest {
    prompts = List.copyOf(prompts);
    runs = List.copyOf(runs);
  }

  /** Continues prompts in the chat template, if the model has one, with the default sampling. */
  public static GenerateRequest of(
      List<String> prompts, List<Optional<Steering>> runs, int layer, int maxTokens) {
    return new GenerateRequest(
        prompts,
        runs,
        layer,
        maxTokens,
        Sampling.DEFAULT,
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  public GenerateRequest withSampling(Sampling other) {
    return new GenerateRequest(prompts, runs, layer, maxTokens, other, raw, system, activations);
  }

  public GenerateRequest withActivations(Activations wanted) {
    return new GenerateRequest(
        prompts, runs, layer, maxTokens, sampling, raw, system, Optional.of(wanted));
  }

  public GenerateRequest withRaw(boolean asItStands) {
    return new GenerateRequest(
        prompts, runs, layer, maxTokens, sampling, Optional.of(asItStands), system, activations);
  }

  public GenerateRequest withSystem(String message) {
    return new GenerateRequest(
        prompts, runs, layer, maxTokens, sampling, raw, Optional.of(message), activations);
  }

  /** When features are read. */
  public enum Moment {
    BEFORE_PLAN,
    AFTER_PLAN
  }

  /**
   * Features to report.
   *
   * @param sae the SAE's folder or file
   * @param moment before or after the plan has changed a row
   */
  public record Activations(Path sae, List<Integer> features, Moment moment) {
    public Activations {
      features = List.copyOf(features);
    }
  }

  /**
   * How tokens are chosen.
   *
   * @param temperature 0: always the likeliest
   * @param repeatPenalty of the last 64 tokens; 1: none
   */
  public record Sampling(
      long seed, double temperature, int topK, double topP, double repeatPenalty) {
    public static final Sampling DEFAULT = new Sampling(0, 0.7, 40, 0.95, 1.1);

    public Sampling withSeed(long other) {
      return new Sampling(other, temperature, topK, topP, repeatPenalty);
    }

    public Sampling withTemperature(double other) {
      return new Sampling(seed, other, topK, topP, repeatPenalty);
    }
  }

  /** Hears the text as it grows. */
  @FunctionalInterface
  public interface Listener {
    /**
     * @param prompt index of the prompt
     * @param run index of the run
     */
    void piece(int prompt, int run, String text);
  }
}
