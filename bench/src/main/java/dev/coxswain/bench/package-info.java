/**
 * Benchmarks of every operation with its bound: an operation {@code encode} is measured by {@code
 * EncodeBenchmark}; {@link dev.coxswain.bench.BenchMain} runs them and writes the table.
 */
package dev.coxswain.bench;
