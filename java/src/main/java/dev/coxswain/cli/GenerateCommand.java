package dev.coxswain.cli;

import dev.coxswain.error.UsageException;
import dev.coxswain.model.Continuation;
import dev.coxswain.model.GenerateRequest;
import dev.coxswain.model.LlamaProcess;
import dev.coxswain.model.Steering;
import dev.coxswain.steer.Plan;
import dev.coxswain.steer.PlanRule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "generate",
    description = "Let a model write, steered by a plan while it runs, or plain without one.")
final class GenerateCommand extends BaseCommand {
  @Mixin private ModelOptions model;
  @Mixin private SteeringOptions steering;

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "What to say to the model; may be given more than once.")
  private List<String> prompts;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "100",
      description = "Tokens to write at most (default: 100).")
  private int maxTokens;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "0",
      description = "The same seed writes the same text (default: 0).")
  private long seed;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0.7",
      description = "0: always the likeliest token (default: 0.7).")
  private double temperature;

  @Option(names = "--compare", description = "Also write without the plan.")
  private boolean compare;

  @Option(names = "--raw", description = "Take the prompt as it stands, without the chat template.")
  private boolean raw;

  @Option(names = "--system", paramLabel = "TEXT", description = "A system message.")
  private String system;

  @Mixin private JsonOption json;

  private Optional<Plan> plan = Optional.empty();

  @Override
  protected void run() {
    requireAtLeast("--max-tokens", maxTokens, 1);
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new UsageException("--temperature must be a number from 0, was " + temperature);
    }
    if (compare && !steering.any()) {
      throw new UsageException("--compare needs a plan to compare with: --plan");
    }
    plan = steering.any() ? Optional.of(Plan.read(steering.plan())) : Optional.empty();
    List<Run> runs = runs();
    try (LlamaProcess process = model.start()) {
      List<List<Continuation>> written =
          process.generate(request(runs), json.wanted() ? (p, r, text) -> {} : new Screen(runs));
      List<Integer> silent = silentFeatures(written);
      if (json.wanted()) {
        json.print(out, asObject(runs, written, silent));
      } else {
        account(runs, written);
      }
      sayWhatNeverFired(silent);
    }
  }

  /** A way to continue a prompt, with its name for people. */
  private record Run(String name, Optional<Steering> steering) {}

  private List<Run> runs() {
    List<Run> runs = new ArrayList<>();
    if (compare || plan.isEmpty()) {
      runs.add(new Run("plain", Optional.empty()));
    }
    if (plan.isPresent()) {
      runs.add(
          new Run(
              "steered",
              Optional.of(new Steering(steering.sae(), plan.get().toJson(), steering.base()))));
    }
    return runs;
  }

  private GenerateRequest request(List<Run> runs) {
    int layer = plan.isPresent() ? steering.layer() : GenerateRequest.NO_LAYER;
    GenerateRequest request =
        GenerateRequest.of(prompts, runs.stream().map(Run::steering).toList(), layer, maxTokens)
            .withSampling(
                GenerateRequest.Sampling.DEFAULT.withSeed(seed).withTemperature(temperature));
    if (raw) {
      request = request.withRaw(true);
    }
    if (system != null) {
      request = request.withSystem(system);
    }
    List<Integer> amplified = amplifiedFeatures();
    return amplified.isEmpty()
        ? request
        : request.withActivations(
            new GenerateRequest.Activations(
                steering.sae(), amplified, GenerateRequest.Moment.BEFORE_PLAN));
  }

  /** Features that a rule multiplies: where they never fire, it does nothing. */
  private List<Integer> amplifiedFeatures() {
    TreeSet<Integer> features = new TreeSet<>();
    plan.ifPresent(
        some ->
            some.rules().stream()
                .filter(rule -> rule instanceof PlanRule.Amplify)
                .forEach(rule -> features.addAll(((PlanRule.Amplify) rule).features())));
    return List.copyOf(features);
  }

  private List<Integer> silentFeatures(List<List<Continuation>> written) {
    List<Integer> features = amplifiedFeatures();
    List<Integer> silent = new ArrayList<>();
    for (int f = 0; f < features.size(); f++) {
      int column = f;
      boolean fired =
          written.stream()
              .map(runs -> runs.get(runs.size() - 1))
              .flatMap(steered -> steered.activations().stream())
              .anyMatch(row -> row[column] > 0);
      if (!fired) {
        silent.add(features.get(f));
      }
    }
    return silent;
  }

  private static void sayWhatNeverFired(List<Integer> silent) {
    if (!silent.isEmpty()) {
      message(
          "cox: never among the active features here, so that amplifying does nothing or little: "
              + silent);
    }
  }

  /** Writes the text to standard output as it grows. */
  private final class Screen implements GenerateRequest.Listener {
    private final List<Run> runs;
    private int lastPrompt = -1;
    private int lastRun = -1;

    Screen(List<Run> runs) {
      this.runs = runs;
    }

    @Override
    public void piece(int prompt, int run, String text) {
      if (prompt != lastPrompt || run != lastRun) {
        out.print(lastPrompt < 0 ? "" : "\n\n");
        if (prompts.size() > 1 && prompt != lastPrompt) {
          out.line("> " + prompts.get(prompt));
        }
        if (runs.size() > 1) {
          out.line("[" + runs.get(run).name() + "]");
        }
        lastPrompt = prompt;
        lastRun = run;
      }
      out.print(text);
      out.flush();
    }
  }

  private void account(List<Run> runs, List<List<Continuation>> written) {
    out.line("");
    out.flush(); // what follows on standard error begins a line of its own
    if (!verbose()) {
      return;
    }
    for (List<Continuation> ofPrompt : written) {
      for (int r = 0; r < runs.size(); r++) {
        Continuation c = ofPrompt.get(r);
        message(
            String.format(
                java.util.Locale.ROOT,
                "cox: %s: %d tokens, %.1f/s, steered rows %d, steering %.2f %% of the time",
                runs.get(r).name(),
                c.generatedTokens(),
                c.tokensPerSecond(),
                c.steeredRows(),
                100 * c.hookShare()));
      }
    }
  }

  private Map<String, Object> asObject(
      List<Run> runs, List<List<Continuation>> written, List<Integer> silent) {
    List<Map<String, Object>> results = new ArrayList<>();
    for (int p = 0; p < written.size(); p++) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("prompt", prompts.get(p));
      for (int r = 0; r < runs.size(); r++) {
        result.put(runs.get(r).name(), asObject(written.get(p).get(r)));
      }
      results.add(result);
    }
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("seed", seed);
    object.put("temperature", temperature);
    object.put("generations", results);
    object.put("features_never_active", silent);
    return object;
  }

  private static Map<String, Object> asObject(Continuation c) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("text", c.text());
    object.put("finish", c.finish());
    object.put("prompt_tokens", c.promptTokens());
    object.put("tokens", c.generatedTokens());
    object.put("tokens_per_s", c.tokensPerSecond());
    object.put("steered_rows", c.steeredRows());
    object.put("steer_share_of_token_time", c.hookShare());
    return object;
  }
}
