package dev.coxswain.demo;

/**
 * How much of everything. The two sizes are the same loop; {@link #QUICK} shows it in about a
 * minute, with coarser features.
 *
 * @param tokens read from the corpus
 * @param features F
 * @param k active features a token
 * @param steps of training
 * @param batchRows hidden states a training step
 * @param measureDocuments documents, read for nothing else, on which steering is measured
 * @param measureTokens of each of them
 * @param randomSets sets of random features, the yardstick
 * @param generateTokens written for each prompt
 */
public record DemoSize(
    int tokens,
    int features,
    int k,
    int steps,
    int batchRows,
    int measureDocuments,
    int measureTokens,
    int randomSets,
    int generateTokens) {
  public static final DemoSize FULL = new DemoSize(200_000, 4096, 32, 500, 1024, 24, 64, 3, 96);
  public static final DemoSize QUICK = new DemoSize(30_000, 512, 24, 250, 256, 8, 64, 1, 48);
}
