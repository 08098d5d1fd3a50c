/**
 * {@code cox gpu-check}: whether a GPU computes the same bits as the CPU at real sizes, and how
 * near each operation comes to what the card allows.
 *
 * <p>{@link dev.coxswain.gpucheck.Parity} runs every operation on both backends ({@link
 * dev.coxswain.gpucheck.Side}) with the same inputs and compares all that comes out, bit by bit.
 * {@link dev.coxswain.gpucheck.Speed} then times them by the device's own clock.
 */
package dev.coxswain.gpucheck;
