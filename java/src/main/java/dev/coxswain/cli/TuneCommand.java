package dev.coxswain.cli;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.model.Continuation;
import dev.coxswain.model.GenerateRequest;
import dev.coxswain.model.LlamaProcess;
import dev.coxswain.model.MeasureRequest;
import dev.coxswain.model.Tuner;
import dev.coxswain.steer.Plan;
import dev.coxswain.steer.PlanRule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "tune",
    description = {
      "Find the strongest plan whose mean KL from the plain model stays within a budget.",
      "It is measured along the plain model's own replies to the prompts."
    })
final class TuneCommand extends BaseCommand {
  @Mixin private ModelOptions model;
  @Mixin private SteeringOptions steering;

  @Option(
      names = "--prompts",
      required = true,
      paramLabel = "T.txt",
      description = "Prompts, one a line.")
  private Path promptsFile;

  @Option(
      names = "--max-kl",
      paramLabel = "X",
      defaultValue = "0.3",
      description = "The budget: nats a token (default: 0.3).")
  private double maxKl;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "P2.json",
      description = "The plan with its strengths tuned.")
  private Path planOut;

  @Option(
      names = "--words",
      split = ",",
      paramLabel = "W",
      description = "Words whose gain in log-probability is the effect.")
  private List<String> words = List.of();

  @Option(
      names = "--reply-tokens",
      paramLabel = "N",
      defaultValue = "40",
      description = "Tokens of each reply to measure along (default: 40).")
  private int replyTokens;

  @Mixin private JsonOption json;

  @Override
  protected void run() {
    if (!(maxKl > 0) || Double.isInfinite(maxKl)) {
      throw new UsageException("--max-kl must be a number above 0, was " + maxKl);
    }
    requireAtLeast("--reply-tokens", replyTokens, 1);
    Plan plan = Plan.read(steering.plan());
    List<String> prompts = prompts();
    int layer = steering.layer();
    Path sae = steering.sae();
    try (LlamaProcess process = model.start();
        Progress progress = Progress.start("tuning", 0, "strengths")) {
      List<MeasureRequest.Passage> passages = replies(process, prompts);
      Tuner tuner = new Tuner(process, layer, sae, steering.base(), passages, words);
      Tuner.Outcome outcome = tuner.tune(plan, maxKl, trial -> progress.advance(1));
      AtomicFile.writeString(planOut, moved(outcome.plan()).toJson() + "\n");
      report(outcome);
    }
  }

  private List<String> prompts() {
    try {
      List<String> lines =
          Files.readAllLines(promptsFile).stream().filter(line -> !line.isBlank()).toList();
      if (lines.isEmpty()) {
        throw new InvalidDataException(promptsFile + " holds no prompt; one a line is needed");
      }
      return lines;
    } catch (java.nio.charset.CharacterCodingException e) {
      throw new InvalidDataException(promptsFile + " is not valid UTF-8", e);
    } catch (IOException e) {
      throw FileException.of("cannot read", promptsFile, e);
    }
  }

  /** What the plain model says, so that the plan is judged where it will be used. */
  private List<MeasureRequest.Passage> replies(LlamaProcess process, List<String> prompts) {
    GenerateRequest request =
        GenerateRequest.of(
                prompts, List.of(Optional.empty()), GenerateRequest.NO_LAYER, replyTokens)
            .withSampling(GenerateRequest.Sampling.DEFAULT.withTemperature(0));
    List<MeasureRequest.Passage> passages = new ArrayList<>();
    List<List<Continuation>> written = process.generate(request, (prompt, run, text) -> {});
    for (int p = 0; p < prompts.size(); p++) {
      passages.add(new MeasureRequest.Reply(prompts.get(p), written.get(p).get(0).text()));
    }
    return passages;
  }

  /** The plan as it must read in its new place: files are named relative to a plan's folder. */
  private Plan moved(Plan plan) {
    Path from = steering.base();
    Path to = planOut.toAbsolutePath().getParent();
    if (to.equals(from)) {
      return plan;
    }
    return plan.withRules(
        plan.rules().stream()
            .map(
                rule ->
                    rule instanceof PlanRule.Vector vector
                        ? new PlanRule.Vector(
                            from.resolve(vector.file()).normalize().toString(),
                            vector.tensor(),
                            vector.row(),
                            vector.strength())
                        : rule)
            .toList());
  }

  private void report(Tuner.Outcome outcome) {
    if (json.wanted()) {
      json.print(out, asObject(outcome));
      return;
    }
    out.line("%d tokens measured; plain model: nll %.4f", outcome.tokens(), outcome.nllPlain());
    out.line("strength     KL       nll      effect");
    for (Tuner.Trial trial : outcome.trials()) {
      String effect =
          words.isEmpty()
              ? "      -"
              : String.format(java.util.Locale.ROOT, "%+7.3f", trial.effect());
      String mark = trial == outcome.chosen() ? "  <- chosen" : "";
      out.line(
          "x %-8.4g %7.4f  %7.4f  %s%s", trial.factor(), trial.kl(), trial.nll(), effect, mark);
    }
    out.line("-> " + planOut);
  }

  private Map<String, Object> asObject(Tuner.Outcome outcome) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("plan", planOut.toString());
    object.put("max_kl", maxKl);
    object.put("words", words);
    object.put("tokens", outcome.tokens());
    object.put("nll_plain", outcome.nllPlain());
    object.put("chosen", asObject(outcome.chosen()));
    object.put("trials", outcome.trials().stream().map(this::asObject).toList());
    return object;
  }

  private Map<String, Object> asObject(Tuner.Trial trial) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("strength_factor", trial.factor());
    object.put("kl", trial.kl());
    object.put("nll", trial.nll());
    if (!words.isEmpty()) {
      object.put("effect_nats", trial.effect());
    }
    object.put("steered_rows", trial.steeredRows());
    return object;
  }
}
