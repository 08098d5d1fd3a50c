package dev.coxswain.steer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SteerRule;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.SafetensorsWriter;
import dev.coxswain.reference.SteerCase;
import dev.coxswain.reference.SteerReference;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Saes;
import dev.coxswain.testing.Seeds;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompiledPlanTest {
  private static final long SEED = Seeds.next("CompiledPlanTest");
  private static final Inputs.Arrays ARRAYS = Inputs.uniform.draw(SEED);
  private static final double MEAN_NORM = 24.5;
  private static final float[] NONE = {};

  private static Backend backend;
  private static SparseAutoencoder sae;

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    backend = CpuBackend.open(2);
    sae =
        Saes.topK(ARRAYS)
            .subtractsBDec(true)
            .metadata(SparseAutoencoder.MEAN_NORM, Double.toString(MEAN_NORM))
            .build();
  }

  @AfterAll
  static void close() {
    sae.close();
    backend.close();
  }

  private CompiledPlan compile(String json) {
    return CompiledPlan.compile(Plan.parse(json.replace('\'', '"')), sae, backend, folder);
  }

  private float[] steered(CompiledPlan plan) {
    int d = ARRAYS.d();
    try (plan;
        HostTensor x = HostTensor.ofFloats(Shape.of(ARRAYS.n(), d), ARRAYS.x())) {
      long address = x.view().address();
      plan.kernel().apply(address, 4L * d, address, 4L * d, ARRAYS.n(), DType.F32, 0, 0);
      return x.toFloats();
    }
  }

  /** What math.md says of a set of features, in double, with constants as the plan defines them. */
  private static SteerCase.Rule rule(
      SteerRule.Kind kind, ReadMode read, float strength, double constant, int... features) {
    int d = ARRAYS.d();
    float[] r = new float[features.length * d];
    float[] c = new float[features.length];
    float[] s = new float[features.length * d];
    float[] sum = new float[d];
    for (int j = 0; j < features.length; j++) {
      float[] source = read == ReadMode.ENCODER ? ARRAYS.wEnc() : ARRAYS.wDec();
      System.arraycopy(source, features[j] * d, r, j * d, d);
      System.arraycopy(ARRAYS.wDec(), features[j] * d, s, j * d, d);
      double bias = read == ReadMode.ENCODER ? ARRAYS.bEnc()[features[j]] : 0;
      for (int e = 0; e < d; e++) {
        bias -= read == ReadMode.ENCODER ? (double) ARRAYS.bDec()[e] * r[j * d + e] : 0;
        sum[e] += s[j * d + e];
      }
      c[j] = (float) bias;
    }
    boolean reads = kind != SteerRule.Kind.ADD;
    boolean shifts = kind == SteerRule.Kind.ADD || kind == SteerRule.Kind.CALIBRATE;
    for (int e = 0; e < d; e++) {
      sum[e] *= (float) constant;
    }
    return new SteerCase.Rule(
        kind, reads ? r : NONE, reads ? c : NONE, reads ? s : NONE, shifts ? sum : NONE, strength);
  }

  private void assertSteersAs(String json, SteerCase.Rule... rules) {
    float[] y = steered(compile(json));
    SteerCase plan = new SteerCase(ARRAYS.d(), List.of(rules), Optional.empty());
    for (int row = 0; row < ARRAYS.n(); row++) {
      double[] x = new double[ARRAYS.d()];
      for (int e = 0; e < x.length; e++) {
        x[e] = ARRAYS.x()[row * x.length + e];
      }
      double[] expected = SteerReference.steer(plan, x).orElseThrow();
      double most = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
      for (int e = 0; e < x.length; e++) {
        assertEquals(expected[e], y[row * x.length + e], 1e-4 * most, json);
      }
    }
  }

  @Test
  void shouldSteerByEveryRuleInBothReadModes() {
    for (ReadMode read : ReadMode.values()) {
      String start = "{'read': '" + read + "', 'rules': [{'features': [4, 9, 2], ";
      assertSteersAs(
          start + "'op': 'amplify', 'alpha': -1}]}",
          rule(SteerRule.Kind.AMPLIFY, read, -1, 0, 4, 9, 2));
      assertSteersAs(
          start + "'op': 'calibrate', 'beta': 6}]}",
          rule(SteerRule.Kind.CALIBRATE, read, 0, 6.0 / 3, 4, 9, 2));
      assertSteersAs(
          start + "'op': 'enforce', 'value': 90}]}",
          rule(SteerRule.Kind.ENFORCE, read, 90, 0, 4, 9, 2));
      assertSteersAs(
          start + "'op': 'clamp', 'value': 5}]}", rule(SteerRule.Kind.CLAMP, read, 5, 0, 4, 9, 2));
      assertSteersAs(
          start + "'op': 'add', 'strength': 0.5}]}",
          rule(SteerRule.Kind.ADD, read, 0, 0.5, 4, 9, 2));
    }
  }

  @Test
  void shouldRunRulesOneAfterTheOther() {
    assertSteersAs(
        "{'rules': [{'op': 'amplify', 'features': [1], 'alpha': 2},"
            + " {'op': 'clamp', 'features': [1, 3], 'value': 1}]}",
        rule(SteerRule.Kind.AMPLIFY, ReadMode.ENCODER, 2, 0, 1),
        rule(SteerRule.Kind.CLAMP, ReadMode.ENCODER, 1, 0, 1, 3));
  }

  @Test
  void shouldAddAVectorExactlyAsAHostAddsAScaledControlVector() {
    float[] rows = Inputs.fill(new SplittableRandom(SEED), 3 * ARRAYS.d(), 0.3f);
    try (HostTensor tensor = HostTensor.ofFloats(Shape.of(3, ARRAYS.d()), rows)) {
      Path file = folder.resolve("v.safetensors");
      SafetensorsWriter.write(
          file,
          Map.of("e", tensor.view(), "one", tensor.view().rows(2, 3).reshape(ARRAYS.d())),
          Map.of());
    }
    float gamma = 2.1f;
    float[] expected = ARRAYS.x().clone();
    for (int i = 0; i < expected.length; i++) {
      float scaled = gamma * rows[2 * ARRAYS.d() + i % ARRAYS.d()];
      expected[i] = expected[i] + scaled;
    }
    String rule = "{'rules': [{'op': 'vector', 'file': 'v.safetensors', 'strength': 2.1, ";
    assertArrayEquals(expected, steered(compile(rule + "'tensor': 'e', 'row': 2}]}")));
    assertArrayEquals(expected, steered(compile(rule + "'tensor': 'one'}]}")));
    assertError(
        "rules[0].row is 3; " + folder.resolve("v.safetensors") + ": tensor 'e' has rows 0 to 2",
        rule + "'tensor': 'e', 'row': 3}]}");
  }

  @Test
  void shouldAddAFeatureExactlyAsAHostAddsItsScaledDirection() {
    float gamma = -0.7f;
    float[] expected = ARRAYS.x().clone();
    for (int i = 0; i < expected.length; i++) {
      float scaled = gamma * ARRAYS.wDec()[11 * ARRAYS.d() + i % ARRAYS.d()];
      expected[i] = expected[i] + scaled;
    }
    assertArrayEquals(
        expected,
        steered(compile("{'rules': [{'op': 'add', 'features': [11], 'strength': -0.7}]}")));
  }

  @Test
  void shouldReturnTheBitsOfTheInputForEmptyPlansAndStrengthZero() {
    for (String rules :
        List.of(
            "",
            "{'op': 'amplify', 'features': [1], 'alpha': 0}",
            "{'op': 'add', 'features': [1], 'strength': 0}",
            "{'op': 'add', 'features': [1], 'strength': {'relative': 0}}",
            "{'op': 'enforce', 'features': [1], 'value': 0}")) {
      float[] y = steered(compile("{'rules': [" + rules + "]}"));
      for (int i = 0; i < y.length; i++) {
        assertEquals(Float.floatToRawIntBits(ARRAYS.x()[i]), Float.floatToRawIntBits(y[i]), rules);
      }
    }
  }

  @Test
  void shouldScaleRelativeStrengthsToTheMeanNorm() {
    for (String rule :
        List.of(
            "{'op': 'add', 'features': [3, 8], 'strength': {'relative': 0.5}}",
            "{'op': 'calibrate', 'read': 0, 'features': [3, 8], 'beta': {'relative': 0.5}}")) {
      boolean add = rule.contains("add");
      String json = "{'rules': [" + rule.replace("'read': 0, ", "") + "]}";
      float[] y = steered(compile(json));
      float[] removed =
          add
              ? ARRAYS.x()
              : steered(compile("{'rules': [{'op': 'amplify', 'features': [3, 8], 'alpha': -1}]}"));
      double norm = 0;
      for (int e = 0; e < ARRAYS.d(); e++) {
        norm += Math.pow((double) y[e] - removed[e], 2);
      }
      assertEquals(0.5 * MEAN_NORM, Math.sqrt(norm), 1e-4 * MEAN_NORM, rule);
    }
  }

  @Test
  void shouldSteerOnlyRowsThatMeetTheCondition() {
    String rules = "'rules': [{'op': 'add', 'features': [5], 'strength': 1}]}";
    float[] all = steered(compile("{" + rules));
    float threshold = 1.5f;
    float[] some =
        steered(
            compile("{'when': {'features': [0, 1, 2], 'threshold': " + threshold + "}, " + rules));
    SteerCase.Rule when = rule(SteerRule.Kind.AMPLIFY, ReadMode.ENCODER, 1, 0, 0, 1, 2);
    for (int row = 0; row < ARRAYS.n(); row++) {
      int from = row * ARRAYS.d();
      double[] x = new double[ARRAYS.d()];
      for (int e = 0; e < x.length; e++) {
        x[e] = ARRAYS.x()[from + e];
      }
      double[] g =
          Arrays.stream(SteerReference.read(x, when.read(), when.readBias()))
              .filter(v -> v > 0)
              .toArray();
      boolean steered = g.length > 0 && Arrays.stream(g).average().orElse(0) >= threshold;
      assertArrayEquals(
          Arrays.copyOfRange(steered ? all : ARRAYS.x(), from, from + ARRAYS.d()),
          Arrays.copyOfRange(some, from, from + ARRAYS.d()));
    }
  }

  private void assertError(String text, String json) {
    InvalidDataException refused =
        assertThrows(InvalidDataException.class, () -> compile(json).close());
    assertEquals("plan: " + text, refused.getMessage());
  }

  @Test
  void shouldNameThePlaceOfWhatDoesNotFitTheSae() {
    int features = ARRAYS.features();
    String range = "; the SAE has features 0 to " + (features - 1);
    assertError(
        "rules[1].features[0] is " + features + range,
        "{'rules': [{'op': 'add', 'features': [%d], 'strength': 1},".formatted(features - 1)
            + " {'op': 'amplify', 'features': [%d], 'alpha': 1}]}".formatted(features));
    assertError(
        "when.features[1] is " + (features + 4) + range,
        "{'when': {'features': [1, %d], 'threshold': 1}, 'rules': []}".formatted(features + 4));
    assertError(
        "rules[0].strength makes a vector that is not finite in float32; a smaller one is needed",
        "{'rules': [{'op': 'add', 'features': [0, 1, 2, 3, 4, 5, 6, 7], 'strength': 3e38}]}");
    assertError(
        "gate: this version cannot decide request gates; remove it or use 'when'",
        "{'positions': 'reply', 'rules': [], 'gate': {'features': [1], 'weights': [1], 'bias': 0,"
            + " 'threshold': 0, 'pool': 'max', 'rows': 'user'}}");
  }

  @Test
  void shouldSayWhyARelativeStrengthCannotBe() {
    Plan plan = Plan.of(new PlanRule.Calibrate(List.of(1), Strength.relative(0.3f)));
    try (SparseAutoencoder plain = Saes.topK(ARRAYS).build()) {
      assertEquals(
          "plan: rules[0].beta is relative, but the SAE does not say the mean norm of its training"
              + " rows (coxswain.mean_norm); a plain number is needed",
          assertThrows(
                  InvalidDataException.class,
                  () -> CompiledPlan.compile(plan, plain, backend, folder))
              .getMessage());
    }
  }

  @Test
  void shouldRefuseEncoderReadsOfAnSaeThatNormalisesItsInput() {
    Plan plan = Plan.of(new PlanRule.Amplify(List.of(1), 1f));
    try (SparseAutoencoder normalised =
        Saes.topK(ARRAYS).normalization(Normalization.LAYER_NORM).build()) {
      assertEquals(
          "plan: rules[0] reads with the encoder, but this SAE normalises its input (LAYER_NORM);"
              + " \"read\": \"decoder\" is possible",
          assertThrows(
                  InvalidDataException.class,
                  () -> CompiledPlan.compile(plan, normalised, backend, folder))
              .getMessage());
    }
  }

  @Test
  void shouldHashWhatAPlanDoesAndNothingElse() {
    String rule = "{'op': 'amplify', 'features': [1, 2], 'alpha': 1.5}";
    byte[] hash = hash("{'rules': [" + rule + "]}");
    assertEquals(32, hash.length);
    assertArrayEquals(
        hash,
        hash("{'bos': false, 'read': 'encoder', 'positions': 'all', 'rules': [" + rule + "]}"));
    Set<String> different = new HashSet<>();
    List<String> plans =
        List.of(
            "{'rules': [" + rule + "]}",
            "{'rules': []}",
            "{'bos': true, 'rules': [" + rule + "]}",
            "{'positions': 'reply', 'rules': [" + rule + "]}",
            "{'read': 'decoder', 'rules': [" + rule + "]}",
            "{'rules': [" + rule.replace("[1, 2]", "[2, 1]") + "]}",
            "{'rules': [" + rule.replace("1.5", "1.25") + "]}",
            "{'rules': [" + rule + ", " + rule + "]}",
            "{'when': {'features': [1], 'threshold': 1}, 'rules': [" + rule + "]}",
            "{'when': {'features': [1], 'threshold': 2}, 'rules': [" + rule + "]}",
            "{'rules': [{'op': 'clamp', 'features': [1, 2], 'value': 1.5}]}");
    plans.forEach(plan -> different.add(Arrays.toString(hash(plan))));
    assertEquals(plans.size(), different.size());
  }

  private byte[] hash(String json) {
    try (CompiledPlan plan = compile(json)) {
      return plan.hash();
    }
  }

  @Test
  void shouldSelectRowsByPositionAndFlags() {
    assertSelects("{'rules': []}", RowFlags.PROMPT, 0, false);
    assertSelects("{'rules': []}", RowFlags.PROMPT, 1, true);
    assertSelects("{'rules': []}", RowFlags.BOS, 5, false);
    assertSelects("{'rules': []}", RowFlags.PROMPT | RowFlags.PAD, 5, false);
    assertSelects("{'rules': [], 'bos': true}", RowFlags.BOS, 0, true);
    String prompt = "{'rules': [], 'positions': 'prompt'}";
    assertSelects(prompt, RowFlags.PROMPT | RowFlags.USER, 3, true);
    assertSelects(prompt, RowFlags.GENERATED, 3, false);
    String generated = "{'rules': [], 'positions': 'generated'}";
    assertSelects(generated, RowFlags.PROMPT | RowFlags.REPLY, 3, false);
    assertSelects(generated, RowFlags.GENERATED | RowFlags.LAST, 3, true);
    String reply = "{'rules': [], 'positions': 'reply'}";
    assertSelects(reply, RowFlags.PROMPT | RowFlags.REPLY, 3, true);
    assertSelects(reply, RowFlags.GENERATED, 3, true);
    assertSelects(reply, RowFlags.PROMPT | RowFlags.USER, 3, false);
  }

  private void assertSelects(String json, int flags, int position, boolean selected) {
    try (CompiledPlan plan = compile(json)) {
      assertEquals(selected, plan.selects(flags, position), json + " " + flags + " " + position);
    }
  }

  @Test
  void shouldSayWhetherItNeedsMoreThanRows() {
    try (CompiledPlan plain = compile("{'rules': [], 'bos': true}");
        CompiledPlan reply = compile("{'rules': [], 'bos': true, 'positions': 'reply'}")) {
      assertFalse(plain.needsModelContext());
      assertTrue(reply.needsModelContext());
    }
  }
}
