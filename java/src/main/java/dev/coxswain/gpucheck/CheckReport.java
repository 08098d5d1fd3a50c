package dev.coxswain.gpucheck;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * All that a check found.
 *
 * @param facts of the card, the machine and the run, by name
 * @param parity every comparison
 * @param card what the card allows; empty where a software driver did the work
 * @param speed every timing; empty where a software driver did the work
 */
public record CheckReport(
    Map<String, Object> facts,
    List<ParityResult> parity,
    Optional<Card> card,
    List<SpeedResult> speed) {
  /** Differences that a person is shown: they tend to have one cause. */
  private static final int SHOWN = 12;

  /** How many comparisons found a difference. */
  public long differences() {
    return parity.stream().filter(result -> !result.isEqual()).count();
  }

  /** Lines for a person: parity an operation each, every difference, then the table of times. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    parity.stream()
        .collect(
            Collectors.groupingBy(ParityResult::operation, LinkedHashMap::new, Collectors.toList()))
        .forEach((operation, results) -> lines.add(summary(operation, results)));
    List<ParityResult> wrong = parity.stream().filter(result -> !result.isEqual()).toList();
    wrong.stream().limit(SHOWN).map(CheckReport::different).forEach(lines::add);
    if (wrong.size() > SHOWN) {
      lines.add("... and " + (wrong.size() - SHOWN) + " more, which --out writes");
    }
    if (card.isEmpty()) {
      lines.add("no times: a software driver does the work here, and its time is not a GPU's");
    } else {
      lines.add("the card allows " + card.get().text());
      lines.add(SpeedResult.heading());
      speed.forEach(result -> lines.add(result.text()));
    }
    return lines;
  }

  private static String summary(String operation, List<ParityResult> results) {
    long wrong = results.stream().filter(result -> !result.isEqual()).count();
    return String.format(
        Locale.ROOT,
        "%-8s %3d cases, %,d numbers: %s",
        operation,
        results.size(),
        results.stream().mapToLong(ParityResult::values).sum(),
        wrong == 0 ? "the same bits as the CPU" : wrong + " cases differ");
  }

  private static String different(ParityResult result) {
    return "DIFFERENT  "
        + result.operation()
        + " ("
        + result.name()
        + ", seed "
        + result.seed()
        + "): "
        + result.difference().orElseThrow();
  }

  /** For a file. */
  public Map<String, Object> asObject() {
    Map<String, Object> object = new LinkedHashMap<>(facts);
    object.put("differences", differences());
    object.put("parity", parity.stream().map(ParityResult::asObject).toList());
    card.ifPresent(measured -> object.put("measured", measured.asObject()));
    object.put("speed", speed.stream().map(SpeedResult::asObject).toList());
    return object;
  }
}
