package dev.coxswain.steer;

import dev.coxswain.error.FileException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A steering plan as its file says it: every key known, every number finite, no feature twice in a
 * rule. Whether the features exist only an SAE can tell: {@link CompiledPlan}.
 *
 * @param name what error messages call the plan: its file's name
 * @param bos whether BOS rows (position 0) are steered too
 * @param when a condition on each row
 * @param gate a condition on the whole request
 */
public record Plan(
    String name,
    ReadMode read,
    Positions positions,
    boolean bos,
    Optional<RowCondition> when,
    Optional<RequestGate> gate,
    List<PlanRule> rules) {
  public Plan {
    rules = List.copyOf(rules);
  }

  /** A plan with these rules and every default: encoder reads, all positions but BOS. */
  public static Plan of(PlanRule... rules) {
    return new Plan(
        "plan",
        ReadMode.ENCODER,
        Positions.ALL,
        false,
        Optional.empty(),
        Optional.empty(),
        List.of(rules));
  }

  /**
   * @throws FileException where the file cannot be read
   * @throws dev.coxswain.error.InvalidDataException naming the place in the file
   */
  public static Plan read(Path file) {
    String name = String.valueOf(file.getFileName());
    try {
      return PlanParser.parse(name, Files.readString(file));
    } catch (CharacterCodingException e) {
      throw new dev.coxswain.error.InvalidDataException(file + ": not valid UTF-8", e);
    } catch (IOException e) {
      throw FileException.of("cannot read", file, e);
    }
  }

  /**
   * @throws dev.coxswain.error.InvalidDataException naming the place in the text
   */
  public static Plan parse(String json) {
    return PlanParser.parse("plan", json);
  }

  public Plan withRules(List<PlanRule> other) {
    return new Plan(name, read, positions, bos, when, gate, other);
  }

  /** The plan as its file would hold it, defaults written out; {@link #parse} reads it back. */
  public String toJson() {
    return PlanWriter.toJson(this);
  }
}
