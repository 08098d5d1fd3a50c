package dev.coxswain.examples;

import dev.coxswain.Engine;
import dev.coxswain.backend.Device;
import dev.coxswain.explain.Explanation;
import dev.coxswain.explain.FeatureIndex;
import dev.coxswain.io.RowSource;
import dev.coxswain.sae.SaeReader;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.steer.CompiledPlan;
import dev.coxswain.steer.Plan;
import dev.coxswain.steer.PlanRule;
import dev.coxswain.steer.RowSteering;
import dev.coxswain.steer.SteerReport;
import dev.coxswain.steer.Strength;
import java.nio.file.Path;
import java.util.List;

/** Steers hidden states by a word; the README shows it. */
final class SteerByWord {
  private SteerByWord() {}

  // README begin
  /** Rows of hidden states in, rows that say the word out. */
  static SteerReport steer(Path demo, String word, String rows, Path out) {
    List<Explanation> explanations = Explanation.readAll(demo.resolve("explanations.jsonl"));
    List<Integer> features =
        new FeatureIndex(explanations)
            .find(List.of(word)).stream().limit(4).map(FeatureIndex.Match::feature).toList();
    Plan plan = Plan.of(new PlanRule.Calibrate(features, Strength.relative(0.2f)));
    try (Engine engine = Engine.open(Device.AUTO);
        SparseAutoencoder sae = SaeReader.read(demo.resolve("sae"));
        CompiledPlan compiled = CompiledPlan.compile(plan, sae, engine.backend(), demo);
        RowSource source = RowSource.open(List.of(rows))) {
      return RowSteering.run(engine.backend(), compiled, source, out, done -> {});
    }
  }
  // README end
}
