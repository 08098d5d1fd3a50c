package dev.coxswain.train;

import java.nio.file.Path;

/**
 * What a finished run made.
 *
 * @param sae folder of the SAE, as SAELens lays it out
 * @param last figures of the last step
 * @param rows looked at, by what became of them
 * @param meanNorm mean ‖x‖ of the rows it was trained on
 * @param rowsPerSecond over the steps this process made, file output aside; 0 if it made none
 * @param firstStep first step this process made: 1 unless it resumed
 */
public record TrainResult(
    Path sae,
    TrainFigures last,
    RowCounts rows,
    double meanNorm,
    double rowsPerSecond,
    long firstStep) {}
