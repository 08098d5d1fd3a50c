package dev.coxswain.train;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;

/**
 * One step's figures; a line of the metrics file.
 *
 * @param step from 1
 * @param rows trained on so far
 * @param loss FVU of the batch plus the weighted AuxK loss
 * @param fvu of the batch
 * @param l0 mean active features a row
 * @param dead features dead before the step
 * @param auxLoss ‖e−ê‖²/‖e‖²; 0 where no feature is dead
 * @param learningRate of the step
 * @param rowsPerSecond since the last figures
 */
@JsonPropertyOrder({
  "step",
  "rows",
  "loss",
  "fvu",
  "l0",
  "dead",
  "aux_loss",
  "learning_rate",
  "rows_per_s"
})
public record TrainFigures(
    @JsonProperty("step") long step,
    @JsonProperty("rows") long rows,
    @JsonProperty("loss") double loss,
    @JsonProperty("fvu") double fvu,
    @JsonProperty("l0") double l0,
    @JsonProperty("dead") long dead,
    @JsonProperty("aux_loss") double auxLoss,
    @JsonProperty("learning_rate") double learningRate,
    @JsonProperty("rows_per_s") double rowsPerSecond) {}
