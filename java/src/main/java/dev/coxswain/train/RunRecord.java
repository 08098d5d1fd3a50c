package dev.coxswain.train;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.core.JsonProcessingException;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** {@code train.json}: how the SAE beside it was made. Written last, so it says the run is done. */
@JsonPropertyOrder({"options", "data", "rows", "mean_norm", "last"})
record RunRecord(
    @JsonProperty("options") Map<String, String> options,
    @JsonProperty("data") String data,
    @JsonProperty("rows") RowCounts rows,
    @JsonProperty("mean_norm") double meanNorm,
    @JsonProperty("last") TrainFigures last) {

  private static Path in(Path folder) {
    return folder.resolve("train.json");
  }

  static boolean exists(Path folder) {
    return Files.exists(in(folder));
  }

  void write(Path folder) {
    try {
      String json = Json.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(this);
      AtomicFile.writeString(in(folder), json + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  static RunRecord read(Path folder) {
    try {
      return Json.mapper().treeToValue(Json.read(in(folder)), RunRecord.class);
    } catch (JsonProcessingException e) {
      throw new InvalidDataException(in(folder) + " is no record of a training run", e);
    }
  }

  static void delete(Path folder) {
    try {
      Files.deleteIfExists(in(folder));
    } catch (IOException e) {
      throw FileException.of("cannot remove", in(folder), e);
    }
  }
}
