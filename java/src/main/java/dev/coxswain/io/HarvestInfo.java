package dev.coxswain.io;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import dev.coxswain.error.InvalidDataException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * What {@code harvest.json} says of a harvest.
 *
 * @param model name of the model's file
 * @param modelSha256 of that file, in hexadecimal
 * @param layer the block (0-based) whose output the rows are
 * @param width d
 * @param rows tokens
 * @param documents texts
 * @param meanNorm mean ‖x‖ over finite rows that are not BOS
 * @param medianNorm median ‖x‖ of the same rows
 * @param bosRows rows of position 0
 * @param massiveRows other rows with ‖x‖ over 5 × the median, or not finite
 * @param pieces the tokenizer's pieces, by token id
 */
@JsonPropertyOrder({
  "model",
  "model_sha256",
  "layer",
  "d_model",
  "rows",
  "documents",
  "mean_norm",
  "median_norm",
  "bos_rows",
  "massive_rows",
  "pieces"
})
public record HarvestInfo(
    @JsonProperty("model") String model,
    @JsonProperty("model_sha256") String modelSha256,
    @JsonProperty("layer") int layer,
    @JsonProperty("d_model") int width,
    @JsonProperty("rows") long rows,
    @JsonProperty("documents") long documents,
    @JsonProperty("mean_norm") double meanNorm,
    @JsonProperty("median_norm") double medianNorm,
    @JsonProperty("bos_rows") long bosRows,
    @JsonProperty("massive_rows") long massiveRows,
    @JsonProperty("pieces") List<String> pieces) {

  /** A row whose norm exceeds this many medians is massive: an attention sink's state. */
  public static final double MASSIVE = 5;

  public HarvestInfo {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(modelSha256, "model_sha256");
    pieces = List.copyOf(pieces);
  }

  /** The identity of a harvest about to be written; the statistics come with the rows. */
  public static HarvestInfo begin(
      String model, String modelSha256, int layer, int width, List<String> pieces) {
    return new HarvestInfo(model, modelSha256, layer, width, 0, 0, 0, 0, 0, 0, pieces);
  }

  /** True for a row that training and explanation leave out. */
  static boolean isLeftOut(int position, double norm, double medianNorm) {
    // Written so that NaN is left out.
    return position == 0 || !(norm <= MASSIVE * medianNorm);
  }

  static HarvestInfo read(Path path) {
    JsonNode node = Json.read(path);
    for (String field :
        List.of("model", "model_sha256", "layer", "d_model", "rows", "median_norm", "pieces")) {
      if (!node.hasNonNull(field)) {
        throw new InvalidDataException(path + " has no field " + field);
      }
    }
    try {
      return Json.mapper().treeToValue(node, HarvestInfo.class);
    } catch (MismatchedInputException e) {
      String field = e.getPath().isEmpty() ? "" : ": " + e.getPath().get(0).getFieldName();
      throw new InvalidDataException(path + field + " " + Json.reason(e), e);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new InvalidDataException(path + ": " + Json.reason(e), e);
    }
  }
}
