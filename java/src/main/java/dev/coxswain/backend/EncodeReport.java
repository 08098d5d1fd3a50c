package dev.coxswain.backend;

/**
 * What an encode met.
 *
 * @param nonFiniteRows rows with NaN or ±Inf: no feature active
 * @param unnormalizableRows rows the SAE's normalisation cannot be applied to: no feature active
 * @param mostActive the most active features of any row, also beyond the K places offered
 * @param firstOverfullRow the first row with more active features than places, else −1. The call's
 *     output is then incomplete: encode again with {@code mostActive} places.
 * @param fullScans rows for which a screen gave up and every feature was scored exactly
 */
public record EncodeReport(
    long nonFiniteRows,
    long unnormalizableRows,
    long mostActive,
    long firstOverfullRow,
    long fullScans) {}
