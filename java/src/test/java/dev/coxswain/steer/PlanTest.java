package dev.coxswain.steer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.testing.Seeds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanTest {
  private static final String EVERYTHING =
      """
      {"read": "decoder",
       "positions": "reply", "bos": true,
       "when": {"features": [7], "threshold": 0.1},
       "gate": {"features": [9, 12], "weights": [0.8, -0.3], "bias": -1.5, "threshold": 0.0,
                "pool": "mean", "rows": "prompt"},
       "rules": [{"op": "amplify",   "features": [3, 5], "alpha": 1.5},
                 {"op": "calibrate", "features": [5, 3], "beta": {"relative": 0.33}},
                 {"op": "enforce",   "features": [3, 5], "value": 2.5},
                 {"op": "clamp",     "features": [3],    "value": 5},
                 {"op": "add",       "features": [3],    "strength": 3.0},
                 {"op": "vector", "file": "v.safetensors", "tensor": "e", "row": 17,
                  "strength": 2.0}]}
      """;

  @Test
  void shouldReadEveryKey() {
    Plan plan = Plan.parse(EVERYTHING);
    assertEquals(ReadMode.DECODER, plan.read());
    assertEquals(Positions.REPLY, plan.positions());
    assertTrue(plan.bos());
    assertEquals(Optional.of(new RowCondition(List.of(7), 0.1f)), plan.when());
    assertEquals(
        Optional.of(
            new RequestGate(
                List.of(9, 12),
                List.of(0.8f, -0.3f),
                -1.5f,
                0f,
                RequestGate.Pool.MEAN,
                RequestGate.Rows.PROMPT)),
        plan.gate());
    assertEquals(
        List.of(
            new PlanRule.Amplify(List.of(3, 5), 1.5f),
            new PlanRule.Calibrate(List.of(5, 3), Strength.relative(0.33f)),
            new PlanRule.Enforce(List.of(3, 5), Strength.raw(2.5f)),
            new PlanRule.Clamp(List.of(3), Strength.raw(5f)),
            new PlanRule.Add(List.of(3), Strength.raw(3f)),
            new PlanRule.Vector("v.safetensors", "e", 17, Strength.raw(2f))),
        plan.rules());
  }

  @Test
  void shouldReadBackWhatItWrites() {
    Plan plan = Plan.parse(EVERYTHING);
    assertEquals(plan, Plan.parse(plan.toJson()));
    assertEquals(Plan.of(), Plan.parse(Plan.of().toJson()));
  }

  @Test
  void shouldUseTheDefaultsForMissingKeys() {
    assertEquals(Plan.of(), Plan.parse("{\"rules\": []}"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | rules is missing",
        "[] | the plan is []; an object is needed",
        "{'rules': [], 'colour': 1} | colour is not a key of a plan; its keys are read, positions,"
            + " bos, when, gate, rules",
        "{'rules': {}} | rules is {}; a list is needed",
        "{'rules': [3]} | rules[0] is 3; an object is needed",
        "{'rules': [{}]} | rules[0].op is missing",
        "{'rules': [{'op': 'boost'}]} | rules[0].op is 'boost'; amplify, calibrate, enforce, clamp,"
            + " add or vector is needed",
        "{'rules': [{'op': 7}]} | rules[0].op is 7; a string is needed",
        "{'rules': [], 'read': 'both'} | read is 'both'; encoder or decoder is needed",
        "{'rules': [], 'positions': 'some'} | positions is 'some'; all, prompt, generated or reply"
            + " is needed",
        "{'rules': [], 'bos': 'yes'} | bos is \"yes\"; true or false is needed",
        "{'rules': [], 'bos': null} | bos is null; true or false is needed",
        "{'rules': [], 'when': {'features': [1]}} | when.threshold is missing",
        "{'rules': [], 'when': {'features': [1], 'threshold': '1'}} | when.threshold is \"1\"; a"
            + " number is needed",
        "{'rules': [{'op': 'amplify', 'features': [], 'alpha': 1}]} | rules[0].features is empty;"
            + " at least one feature is needed",
        "{'rules': [{'op': 'amplify', 'features': [1, 2, 1], 'alpha': 1}]} | rules[0].features[2]"
            + " repeats feature 1; each may stand once in a set",
        "{'rules': [{'op': 'amplify', 'features': [-1], 'alpha': 1}]} | rules[0].features[0] is -1;"
            + " 0 to 2147483647 is possible",
        "{'rules': [{'op': 'amplify', 'features': [1.0], 'alpha': 1}]} | rules[0].features[0] is"
            + " 1.0; a whole number is needed",
        "{'rules': [{'op': 'amplify', 'features': 1, 'alpha': 1}]} | rules[0].features is 1; a list"
            + " is needed",
        "{'rules': [{'op': 'amplify', 'features': [1]}]} | rules[0].alpha is missing",
        "{'rules': [{'op': 'amplify', 'features': [1], 'alpha': 1, 'beta': 2}]} | rules[0].beta is"
            + " not a key of op 'amplify'; its keys are op, features, alpha",
        "{'rules': [{'op': 'amplify', 'features': [1], 'alpha': {'relative': 1}}]} | rules[0].alpha"
            + " is {\"relative\":1}; a number is needed",
        "{'rules': [{'op': 'clamp', 'features': [1], 'value': 1}, {'op': 'calibrate', 'features':"
            + " [1], 'beta': NaN}]} | rules[1].beta is NaN; a finite float32 number is needed",
        "{'rules': [{'op': 'add', 'features': [1], 'strength': -Infinity}]} | rules[0].strength is"
            + " -Infinity; a finite float32 number is needed",
        "{'rules': [{'op': 'add', 'features': [1], 'strength': 1e39}]} | rules[0].strength is"
            + " 1.0E39; a finite float32 number is needed",
        "{'rules': [{'op': 'add', 'features': [1], 'strength': {}}]} | rules[0].strength.relative"
            + " is missing",
        "{'rules': [{'op': 'add', 'features': [1], 'strength': {'relative': 1, 'of': 2}}]} |"
            + " rules[0].strength.of is not a key of a strength; its keys are relative",
        "{'rules': [{'op': 'add', 'features': [1], 'strength': '3'}]} | rules[0].strength is"
            + " \"3\"; a number or {\"relative\": r} is needed",
        "{'rules': [{'op': 'vector', 'file': 'v', 'strength': 1}]} | rules[0].tensor is missing",
        "{'rules': [{'op': 'vector', 'file': 'v', 'tensor': 'e', 'row': -2, 'strength': 1}]} |"
            + " rules[0].row is -2; 0 to 9223372036854775807 is possible",
        "{'rules': [], 'positions': 'reply', 'gate': {'features': [1, 2], 'weights': [1], 'bias':"
            + " 0, 'threshold': 0, 'pool': 'max', 'rows': 'user'}} | gate.weights has 1 numbers for"
            + " 2 features",
        "{'rules': [], 'gate': {'features': [1], 'weights': [1], 'bias': 0, 'threshold': 0, 'pool':"
            + " 'max', 'rows': 'user'}} | the plan has a gate and positions 'all'; a gate is"
            + " decided before the reply, so positions must be reply or generated",
        "{'rules': [], 'positions': 'reply', 'gate': {'features': [1], 'weights': [1], 'bias': 0,"
            + " 'threshold': 0, 'pool': 'sum', 'rows': 'user'}} | gate.pool is 'sum'; max or mean"
            + " is needed",
      })
  void shouldNameThePlaceOfWhatIsWrong(String json, String error) {
    InvalidDataException refused =
        assertThrows(InvalidDataException.class, () -> Plan.parse(json.strip().replace('\'', '"')));
    assertEquals("plan: " + error.strip().replaceAll(" {2,}", " "), refused.getMessage());
  }

  @Test
  void shouldRefuseWhatIsNotJsonInOneLine() {
    for (String json : List.of("", "{", "{\"rules\": []} x", "{\"rules\": [], \"rules\": []}")) {
      String message =
          assertThrows(InvalidDataException.class, () -> Plan.parse(json)).getMessage();
      assertTrue(message.startsWith("plan: "), message);
      assertEquals(1, message.lines().count(), message);
    }
  }

  @Test
  void shouldReadOrRefuseInOneLineWhateverIsMutated() {
    SplittableRandom random = new SplittableRandom(Seeds.next("PlanTest"));
    String alphabet = "{}[]\",:0123456789.eE+-truefalsnN \\\u00e9\u0000";
    int refused = 0;
    for (int i = 0; i < 5000; i++) {
      StringBuilder json = new StringBuilder(EVERYTHING);
      for (int change = random.nextInt(4); change >= 0; change--) {
        int at = random.nextInt(json.length());
        char other = alphabet.charAt(random.nextInt(alphabet.length()));
        switch (random.nextInt(3)) {
          case 0 -> json.deleteCharAt(at);
          case 1 -> json.insert(at, other);
          default -> json.setCharAt(at, other);
        }
      }
      try {
        Plan plan = Plan.parse(json.toString());
        assertEquals(plan, Plan.parse(plan.toJson()), json::toString);
      } catch (InvalidDataException e) {
        refused++;
        assertEquals(1, e.getMessage().lines().count(), e::getMessage);
        assertTrue(e.getMessage().startsWith("plan: "), e::getMessage);
      }
    }
    assertTrue(refused > 1000 && refused < 5000, "refused " + refused);
  }

  @Test
  void shouldNameTheFile(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("p.json");
    Files.writeString(file, "{\"rule\": []}");
    String message = assertThrows(InvalidDataException.class, () -> Plan.read(file)).getMessage();
    assertTrue(message.startsWith("p.json: rule is not a key of a plan"), message);
    Files.write(file, new byte[] {'{', (byte) 0xff});
    message = assertThrows(InvalidDataException.class, () -> Plan.read(file)).getMessage();
    assertTrue(message.endsWith("not valid UTF-8"), message);
    Path missing = folder.resolve("none.json");
    message = assertThrows(FileException.class, () -> Plan.read(missing)).getMessage();
    assertEquals("cannot read " + missing + ": no such file or folder", message);
  }
}
