package dev.coxswain.steer;

/**
 * What happened to rows that were steered.
 *
 * @param rows seen
 * @param steered selected, finite and not gated off
 * @param gatedOff left as they are by the plan's condition
 * @param nonFinite left as they are because they hold NaN or ±Inf
 * @param saturated elements clamped to the largest finite value of their type
 */
public record SteerReport(long rows, long steered, long gatedOff, long nonFinite, long saturated) {}
