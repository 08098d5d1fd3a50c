package dev.coxswain.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.coxswain.error.UsageException;
import org.junit.jupiter.api.Test;

class TrainOptionsTest {
  private static TrainOptions.Builder good() {
    return TrainOptions.builder(64).features(100).k(10).steps(100);
  }

  @Test
  void shouldWarmUpHoldAndDecayLinearly() {
    TrainOptions options = good().learningRate(1).warmupSteps(10).decaySteps(50).build();
    assertEquals(0.1, options.learningRateAt(1), 1e-12);
    assertEquals(1, options.learningRateAt(10), 1e-12);
    assertEquals(1, options.learningRateAt(51), 1e-12);
    assertEquals(0.5, options.learningRateAt(76), 1e-12);
    assertEquals(0.02, options.learningRateAt(100), 1e-12);
  }

  @Test
  void shouldRefuseOptionsOutOfRangeByName() {
    refused("k must be at least 1, was 0", good().k(0));
    refused("k = 101 must not exceed features = 100", good().k(101));
    refused("features must be at least 1, was 0", good().features(0));
    refused("steps must be at least 1, was 0", good().steps(0));
    refused(
        "steps must be at most 1000000000, was 9223372036854775807", good().steps(Long.MAX_VALUE));
    refused("batch must be at least 1, was 0", good().batchRows(0));
    refused("lr must be finite and greater than 0, was -1.0", good().learningRate(-1));
    refused("lr must be finite and greater than 0, was Infinity", good().learningRate(1.0 / 0));
    refused("shuffle-rows must be at least 1, was 0", good().shuffleRows(0));
    refused("dead-after must be at least 1, was 0", good().deadAfter(0));
  }

  @Test
  void shouldRefuseToHoldOutEverything() {
    UsageException refusal = assertThrows(UsageException.class, () -> new HoldOut(1));
    assertEquals(
        "the fraction of documents held out must be from 0 to below 1, was 1.0",
        refusal.getMessage());
  }

  private static void refused(String message, TrainOptions.Builder builder) {
    assertEquals(message, assertThrows(UsageException.class, builder::build).getMessage());
  }
}
