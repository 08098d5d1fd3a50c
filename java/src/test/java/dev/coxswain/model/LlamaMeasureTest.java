package dev.coxswain.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.backend.Device;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.steer.Plan;
import dev.coxswain.testing.Seeds;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Effect and damage of plans on a real model. */
class LlamaMeasureTest {
  private static final String TEXT =
      "The children walked to school along the river every morning of that long winter.";

  @TempDir static Path folder;
  private static LlamaProcess model;

  @BeforeAll
  static void startModel() {
    model = LlamaProcess.start(RealModel.file(), Device.CPU, 2);
    SplittableRandom random = new SplittableRandom(Seeds.next("LlamaMeasureTest"));
    RealModel.writeSae(folder, 32, RealModel.WIDTH, random);
  }

  @AfterAll
  static void endModel() {
    if (model != null) {
      model.close();
    }
  }

  @Test
  void shouldFindNoDamageInAPlanThatAddsNothing() {
    Measurement.Run run = measure(List.of(add(0)), List.of("school")).runs().get(0);
    assertEquals(0, run.kl(), 1e-6);
    assertEquals(0, run.effect(), 1e-9);
  }

  @Test
  void shouldMeasureWhatDoublePrecisionMeasures() {
    // Three tokens: the only row measured is the second, which predicts the third.
    String text = " The school was";
    Measurement measured =
        model.measure(
            new MeasureRequest(
                RealModel.LAYER,
                List.of(new MeasureRequest.Text(text)),
                List.of(add(30)),
                List.of("house"),
                512),
            share -> {});
    assertEquals(1, measured.tokens());
    double[] plain = lastLogProbabilities(" The school", 0);
    double[] steered = lastLogProbabilities(" The school", 30);
    double kl = 0;
    for (int v = 0; v < plain.length; v++) {
      kl += Math.exp(plain[v]) * (plain[v] - steered[v]);
    }
    int next = token(" was");
    int word = token(" house");
    assertEquals(-plain[next], measured.nllPlain(), 1e-5);
    assertEquals(-steered[next], measured.runs().get(0).nll(), 1e-5);
    assertEquals(kl, measured.runs().get(0).kl(), 1e-5 + 1e-5 * kl);
    assertEquals(steered[word] - plain[word], measured.runs().get(0).effect(), 1e-5);
  }

  @Test
  void shouldFindMoreDamageInAStrongerPlan() {
    Measurement measured = measure(List.of(add(5), add(20), add(80)), List.of("school", "war"));
    List<Measurement.Run> runs = measured.runs();
    assertTrue(runs.get(0).kl() > 0);
    assertTrue(runs.get(1).kl() > runs.get(0).kl(), runs.toString());
    assertTrue(runs.get(2).kl() > runs.get(1).kl(), runs.toString());
    assertTrue(runs.get(2).nll() > measured.nllPlain(), runs.toString());
    assertEquals(2, runs.get(0).wordShift().size());
    assertTrue(runs.get(0).steeredRows() > 10, runs.toString());
  }

  @Test
  void shouldGiveTheSameFiguresWhoeverMeasuredWhat() {
    Measurement two = measure(List.of(add(20)), List.of("school"));
    try (LlamaProcess one = RealModel.start()) {
      assertEquals(two, one.measure(request(List.of(add(20)), List.of("school")), share -> {}));
    }
  }

  @Test
  void shouldTuneToTheBudget() {
    Tuner.Outcome outcome = tuner().tune(plan(10), 0.1, trial -> {});
    assertTrue(outcome.chosen().kl() <= 0.1, outcome.toString());
    assertTrue(outcome.chosen().kl() >= 0.08, outcome.toString());
    Measurement.Run again =
        measure(List.of(new Steering(folder, outcome.plan().toJson(), folder)), List.of())
            .runs()
            .get(0);
    assertEquals(outcome.chosen().kl(), again.kl(), 1e-6);
  }

  @Test
  void shouldSayThatAPlanChangesNothing() {
    Plan silent = Plan.parse("{\"rules\":[{\"op\":\"amplify\",\"features\":[1],\"alpha\":0}]}");
    InvalidDataException e =
        assertThrows(InvalidDataException.class, () -> tuner().tune(silent, 0.1, trial -> {}));
    assertEquals(
        "the plan changes nothing on these prompts: its features never fire there", e.getMessage());
  }

  private static Tuner tuner() {
    return new Tuner(
        model,
        RealModel.LAYER,
        folder,
        folder,
        request(List.of(), List.of()).passages(),
        List.of());
  }

  private static Measurement measure(List<Steering> plans, List<String> words) {
    return model.measure(request(plans, words), share -> {});
  }

  private static MeasureRequest request(List<Steering> plans, List<String> words) {
    return new MeasureRequest(
        RealModel.LAYER,
        List.of(
            new MeasureRequest.Text(TEXT),
            new MeasureRequest.Text("War and peace are words that everybody knows."),
            new MeasureRequest.Reply("Where do you live?", "I live in a small house.")),
        plans,
        words,
        512);
  }

  private static Plan plan(double strength) {
    return Plan.parse(
        "{\"rules\":[{\"op\":\"add\",\"features\":[3],\"strength\":" + strength + "}]}");
  }

  private static Steering add(double strength) {
    return new Steering(folder, plan(strength).toJson(), folder);
  }

  private static double[] lastLogProbabilities(String text, double strength) {
    ObjectNode request = RealModel.logits("engine", text).put("all", true);
    request.putArray("runs").add(add(strength).toJson());
    ((ObjectNode) request.get("sequences").get(0)).put("run", 0);
    JsonNode row = model.call("logits", request).get("sequences").get(0).get("first");
    double[] logits = new double[row.size()];
    double max = Double.NEGATIVE_INFINITY;
    for (int v = 0; v < logits.length; v++) {
      logits[v] = row.get(v).asDouble();
      max = Math.max(max, logits[v]);
    }
    double sum = 0;
    for (double logit : logits) {
      sum += Math.exp(logit - max);
    }
    for (int v = 0; v < logits.length; v++) {
      logits[v] -= max + Math.log(sum);
    }
    return logits;
  }

  private static int token(String text) {
    return model
        .call("tokenize", RealModel.object().put("text", text))
        .get("tokens")
        .get(0)
        .asInt();
  }
}
