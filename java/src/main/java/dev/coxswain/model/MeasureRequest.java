package dev.coxswain.model;

import java.util.List;

/**
 * What to measure of plans: their damage and their effect on the model's predictions,
 * teacher-forced.
 *
 * @param layer the block whose output the plans change
 * @param passages at most {@code context} tokens each
 * @param plans one result each; the plain model is evaluated once for all
 * @param words whose log-probability is watched, each by the first token of " word"
 */
public record MeasureRequest(
    int layer, List<Passage> passages, List<Steering> plans, List<String> words, int context) {
  public MeasureRequest {
    passages = List.copyOf(passages);
    plans = List.copyOf(plans);
    words = List.copyOf(words);
  }

  /** Text that the model's predictions are measured along. */
  public sealed interface Passage permits Text, Reply {}

  /** Every token but the first is measured. */
  public record Text(String text) implements Passage {}

  /** The reply's tokens are measured, after the prompt in the chat template if there is one. */
  public record Reply(String prompt, String reply) implements Passage {}
}
