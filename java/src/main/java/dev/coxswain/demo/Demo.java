package dev.coxswain.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.Engine;
import dev.coxswain.io.AtomicFile;
import dev.coxswain.io.JsonLines;
import dev.coxswain.model.ModelCache;
import dev.coxswain.report.Report;
import dev.coxswain.report.ReportInputs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The whole loop on a real language model: its hidden states become features, the features become
 * words, and a word changes what the model writes. Everything is computed in the run; what is done
 * is kept, so that a run that was interrupted goes on where it was.
 */
public final class Demo {
  private static final String MODEL = "smollm2-135m-instruct";
  private static final String CORPUS = "brown";

  private Demo() {}

  /**
   * @return what happened, for a terminal
   */
  public static String run(DemoOptions options, Listener listener) {
    // A device that cannot be used ends the demo before anything is fetched or written.
    try (Engine engine = Engine.open(options.device(), options.threads());
        DemoFolder folder = DemoFolder.open(options.out(), options.start())) {
      ModelCache cache = ModelCache.open();
      Path model = cache.get(MODEL, ModelCache.Terms.NOT_ACCEPTED, listener::say);
      Path corpus = cache.get(CORPUS, ModelCache.Terms.NOT_ACCEPTED, listener::say);
      try (Workshop shop = new Workshop(options, folder, model, corpus, engine.backend())) {
        ObjectNode summary = new StepRunner(folder.records(), listener).run(steps(shop));
        AtomicFile.writeString(folder.summary(), summary.toPrettyString() + "\n");
        Report.write(reportInputs(summary, folder, options), folder.report());
        return Account.of(summary, texts(folder), folder.root());
      }
    }
  }

  private static List<Step> steps(Workshop shop) {
    return List.of(
        new HarvestText(shop),
        new TrainAutoencoder(shop),
        new EvaluateAutoencoder(shop),
        new BuildVocabulary(shop),
        new ExplainFeatures(shop),
        new CollectContexts(shop),
        new MeasureLift(shop),
        new ChooseFeatures(shop),
        new TuneStrength(shop),
        new WriteTexts(shop));
  }

  private static ReportInputs reportInputs(
      ObjectNode summary, DemoFolder folder, DemoOptions options) {
    ReportInputs.Dictionary dictionary =
        new ReportInputs.Dictionary(
            summary.get("n_features").asInt(),
            summary.get("d_model").asInt(),
            summary.get("k").asInt());
    return ReportInputs.of(dictionary, folder.explanations())
        .contexts(Optional.of(folder.contexts()))
        .metrics(Optional.of(folder.metrics()))
        .summary(Optional.of(folder.summary()))
        .generations(Optional.of(folder.generations()))
        .command("cox demo --word " + options.word())
        .build();
  }

  private static List<JsonNode> texts(DemoFolder folder) {
    List<JsonNode> texts = new ArrayList<>();
    JsonLines.read(folder.generations(), text -> texts.add(text));
    return texts;
  }
}
