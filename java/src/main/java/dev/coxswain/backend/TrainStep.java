package dev.coxswain.backend;

/**
 * The numbers of one training step.
 *
 * @param k features selected a row
 * @param kAux dead features that AuxK reconstructs the error with; 0 switches AuxK off
 * @param auxCoefficient weight of AuxK's loss (1/32)
 * @param deadAfter a feature is dead once it has not fired for this many rows
 * @param step 1 for the first: Adam's bias correction
 * @param learningRate of this step
 * @param beta1 Adam's decay of the first moment
 * @param beta2 Adam's decay of the second moment
 * @param epsilon added to √v̂
 */
public record TrainStep(
    int k,
    int kAux,
    float auxCoefficient,
    long deadAfter,
    long step,
    float learningRate,
    float beta1,
    float beta2,
    float epsilon) {}
