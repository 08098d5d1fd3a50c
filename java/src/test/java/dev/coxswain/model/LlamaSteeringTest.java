package dev.coxswain.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.testing.Seeds;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steering inside a real model: the engine in llama.cpp's process, on its tensors. */
class LlamaSteeringTest {
  private static final String FIRST = "The school was closed because of the storm last night.";
  private static final String SECOND = "In the morning they went down to the river";
  private static final String PROMPT = "What did you do at school today?";
  private static final int FEATURES = 32;

  @TempDir static Path folder;
  private static LlamaProcess model;
  private static float[][] directions;

  @BeforeAll
  static void startModel() {
    model = RealModel.start();
    SplittableRandom random = new SplittableRandom(Seeds.next("LlamaSteeringTest"));
    directions = RealModel.writeSae(folder, FEATURES, RealModel.WIDTH, random);
  }

  @AfterAll
  static void endModel() {
    if (model != null) {
      model.close();
    }
  }

  @Test
  void shouldLeaveLogitsBitIdenticalWithoutAPlan() {
    List<String> plain = hashes(RealModel.logits("none", FIRST));
    JsonNode watched = model.call("logits", RealModel.logits("watch", FIRST));
    assertTrue(watched.get("watchedRows").asInt() > 0, "the hook must have seen the rows");
    assertEquals(plain, hashes(watched));
    assertEquals(plain, hashes(RealModel.logits("engine", FIRST)));
  }

  @Test
  void shouldLeaveLogitsBitIdenticalUnderAPlanThatAddsNothing() {
    ObjectNode request = RealModel.logits("engine", FIRST);
    run(request, "{\"rules\":[{\"op\":\"amplify\",\"features\":[1,2],\"alpha\":0}]}");
    assertEquals(hashes(RealModel.logits("none", FIRST)), hashes(request));
  }

  @Test
  void shouldAddExactlyWhatLlamasControlVectorAdds() {
    float strength = 7.25f;
    ObjectNode request = RealModel.logits("engine", FIRST);
    run(request, "{\"bos\":true,\"rules\":[{\"op\":\"add\",\"features\":[3],\"strength\":7.25}]}");
    ObjectNode oracle = RealModel.logits("none", FIRST);
    ArrayNode values = oracle.putObject("control").put("layer", RealModel.LAYER).putArray("values");
    for (float value : directions[3]) {
      values.add(strength * value);
    }
    JsonNode steered = model.call("logits", request);
    assertEquals(hashes(oracle), hashes(steered));
    assertNotEquals(hashes(RealModel.logits("none", FIRST)), hashes(steered));
    assertEquals(
        steered.get("sequences").get(0).get("tokens").asInt(),
        steered.get("steeredRows").asInt(),
        "every row, BOS too");
  }

  @Test
  void shouldNotTouchASequenceWithoutPlanInAMixedBatch() {
    List<String> plain = hashes(RealModel.logits("none", FIRST, SECOND, FIRST));
    ObjectNode mixed = RealModel.logits("engine", FIRST, SECOND, FIRST);
    run(mixed, "{\"rules\":[{\"op\":\"add\",\"features\":[3],\"strength\":20}]}");
    ((ObjectNode) mixed.get("sequences").get(0)).remove("run");
    ((ObjectNode) mixed.get("sequences").get(1)).remove("run");
    List<String> hashes = hashes(mixed);
    assertEquals(plain.subList(0, 2), hashes.subList(0, 2));
    assertNotEquals(plain.get(2), hashes.get(2), "the same text, steered");
  }

  @Test
  void shouldSteerEveryGeneratedToken() {
    int tokens = 12;
    Continuation steered =
        generate("{\"positions\":\"generated\",\"rules\":[%s]}", add(0.5f), tokens).get(1);
    // The last token has been written and is evaluated no more.
    assertEquals(steered.generatedTokens() - 1, steered.steeredRows());
    Continuation reply =
        generate("{\"positions\":\"reply\",\"rules\":[%s]}", add(0.5f), tokens).get(1);
    int header = 4; // <|im_start|> ass istant \n
    assertEquals(header + reply.generatedTokens() - 1, reply.steeredRows());
    Continuation prompt =
        generate("{\"positions\":\"prompt\",\"rules\":[%s]}", add(0.5f), tokens).get(1);
    assertEquals(prompt.promptTokens() - 1, prompt.steeredRows(), "all but BOS");
  }

  @Test
  void shouldWriteTheSameTextForTheSameSeed() {
    Continuation plain = generate("{\"rules\":[%s]}", add(0f), 16).get(0);
    Continuation unchanged = generate("{\"rules\":[%s]}", add(0f), 16).get(1);
    Continuation steered = generate("{\"rules\":[%s]}", add(60f), 16).get(1);
    assertEquals(plain.text(), unchanged.text());
    assertNotEquals(plain.text(), steered.text());
    assertEquals(steered.text(), generate("{\"rules\":[%s]}", add(60f), 16).get(1).text());
    assertEquals(0, plain.steeredRows());
  }

  @Test
  void shouldReportActivationsUnderEveryToken() {
    String plan = "{\"bos\":false,\"rules\":[{\"op\":\"clamp\",\"features\":[5],\"value\":900}]}";
    GenerateRequest request =
        GenerateRequest.of(
                List.of(PROMPT), List.of(Optional.empty(), steering(plan)), RealModel.LAYER, 4)
            .withActivations(
                new GenerateRequest.Activations(
                    folder, List.of(5, 6), GenerateRequest.Moment.AFTER_PLAN));
    List<Continuation> runs = model.generate(request, (prompt, run, text) -> {}).get(0);
    for (Continuation run : runs) {
      assertEquals(run.pieces().size(), run.activations().size());
    }
    // A clamp moves an activation to 900 from 0; one whose pre-activation was negative stays below.
    for (int token = 1; token < runs.get(1).activations().size(); token++) {
      assertEquals(900, runs.get(1).activations().get(token)[0], 200, "token " + token);
    }
    for (int token = 1; token < runs.get(0).activations().size(); token++) {
      assertTrue(runs.get(0).activations().get(token)[0] < 200, "plain, token " + token);
    }
  }

  @Test
  void shouldStreamTheTextThatItReturns() {
    StringBuilder streamed = new StringBuilder();
    GenerateRequest request =
        GenerateRequest.of(
            List.of(PROMPT), List.of(Optional.empty()), GenerateRequest.NO_LAYER, 10);
    Continuation written =
        model.generate(request, (prompt, run, text) -> streamed.append(text)).get(0).get(0);
    assertEquals(written.text(), streamed.toString());
    assertTrue(String.join("", written.pieces()).endsWith(written.text()), written.toString());
  }

  private static String add(float strength) {
    return "{\"op\":\"add\",\"features\":[3],\"strength\":" + strength + "}";
  }

  /** Plain and steered. */
  private static List<Continuation> generate(String plan, String rule, int tokens) {
    GenerateRequest request =
        GenerateRequest.of(
            List.of(PROMPT),
            List.of(Optional.empty(), steering(String.format(plan, rule))),
            RealModel.LAYER,
            tokens);
    return model.generate(request, (prompt, run, text) -> {}).get(0);
  }

  private static Optional<Steering> steering(String plan) {
    return Optional.of(new Steering(folder, plan, folder));
  }

  /** All sequences of the request under one plan. */
  private static void run(ObjectNode request, String plan) {
    request.putArray("runs").add(steering(plan).orElseThrow().toJson());
    request.get("sequences").forEach(sequence -> ((ObjectNode) sequence).put("run", 0));
  }

  private static List<String> hashes(ObjectNode request) {
    return hashes(model.call("logits", request));
  }

  private static List<String> hashes(JsonNode result) {
    return result.get("sequences").findValuesAsText("hash");
  }
}
