package dev.coxswain.backend;

/**
 * What a training step measured, before its update.
 *
 * @param loss FVU of the batch plus the weighted AuxK loss
 * @param fvu Σ‖x−x̂‖² / Σ‖x−mean(x)‖² of the batch
 * @param auxLoss ‖e−ê‖²/‖e‖², 0 where no feature is dead
 * @param activeFeatures Σ over rows of active features: L0 = this / n
 * @param deadFeatures features dead before this step
 */
public record TrainReport(
    double loss, double fvu, double auxLoss, long activeFeatures, long deadFeatures) {}
