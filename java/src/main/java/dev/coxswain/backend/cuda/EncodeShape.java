package dev.coxswain.backend.cuda;

/**
 * What is encoded, as far as launches depend on it.
 *
 * @param rows n
 * @param features F, or those of a subset
 * @param width d
 * @param limit most active features of a row: k, or F
 * @param places K of the result
 * @param aligned whether each row of weights begins at a multiple of 16 bytes
 * @param kept whether copies of the weights may be kept from call to call
 */
record EncodeShape(
    long rows, long features, long width, long limit, long places, boolean aligned, boolean kept) {
  /** Most features of a row that are written. */
  long wanted() {
    return Math.min(limit, places);
  }
}
