package dev.coxswain.gpucheck;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What an operation has to do at least, in phases that cannot overlap. A phase takes as long as the
 * slowest of its three parts; without cuBLAS arithmetic counts for nothing.
 *
 * @param phases in order
 */
record Limit(List<Phase> phases) {
  /**
   * @param bytes between the card's memory and its cores
   * @param bf16Flops that may be done in bfloat16
   * @param f32Flops that must be done in float32
   */
  record Phase(double bytes, double bf16Flops, double f32Flops) {
    double seconds(Card card) {
      return Math.max(
          bytes / card.bytesPerSecond(),
          Math.max(
              seconds(bf16Flops, card.bf16FlopsPerSecond()),
              seconds(f32Flops, card.f32FlopsPerSecond())));
    }

    private static double seconds(double flops, OptionalDouble perSecond) {
      return perSecond.isPresent() ? flops / perSecond.getAsDouble() : 0;
    }
  }

  static Limit of(double bytes, double bf16Flops, double f32Flops) {
    return new Limit(List.of(new Phase(bytes, bf16Flops, f32Flops)));
  }

  Limit then(double bytes, double bf16Flops, double f32Flops) {
    List<Phase> longer = new ArrayList<>(phases);
    longer.add(new Phase(bytes, bf16Flops, f32Flops));
    return new Limit(List.copyOf(longer));
  }

  double seconds(Card card) {
    return phases.stream().mapToDouble(phase -> phase.seconds(card)).sum();
  }
}
