package dev.coxswain.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coxswain.error.CoxswainException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.testing.Fixtures;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every good and bad file that the reference library wrote or judged. */
class SafetensorsFixturesTest {

  @TestFactory
  List<DynamicTest> shouldJudgeEveryBadFileAsThePolicySays() {
    Path folder = Fixtures.folder().resolve("safetensors-bad");
    List<DynamicTest> tests = new ArrayList<>();
    JsonLines.read(
        folder.resolve("manifest.jsonl"),
        entry -> {
          String file = entry.get("file").asText();
          String policy = entry.get("policy").asText();
          tests.add(
              DynamicTest.dynamicTest(
                  policy + " " + file, () -> judge(folder.resolve(file), policy)));
        });
    return tests;
  }

  private static void judge(Path path, String policy) throws Exception {
    if (policy.equals("reject")) {
      CoxswainException error =
          assertThrows(CoxswainException.class, () -> SafetensorsFile.open(path).close());
      assertTrue(error.getMessage().startsWith(path + ": "), error.getMessage());
      assertEquals(1, error.getMessage().lines().count(), error.getMessage());
      return;
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(policy.equals("warn"), !file.warnings().isEmpty(), file.warnings().toString());
      for (String name : file.tensors().keySet()) {
        file.readBytes(name).close();
      }
    }
  }

  @TestFactory
  List<DynamicTest> shouldReadEveryGoodFile() {
    Path folder = Fixtures.folder().resolve("safetensors-good");
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode expected : Json.read(folder.resolve("expected.json")).get("files")) {
      String name = expected.get("file").asText();
      tests.add(DynamicTest.dynamicTest(name, () -> compare(folder.resolve(name), expected)));
    }
    assertFalse(tests.isEmpty());
    return tests;
  }

  private static void compare(Path path, JsonNode expected) throws Exception {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertEquals(List.of(), file.warnings());
      assertEquals(metadata(expected), file.metadata());
      List<String> names = List.copyOf(file.tensors().keySet());
      List<String> expectedNames = new ArrayList<>();
      if (expected.has("order_in_file")) {
        expected.get("order_in_file").forEach(name -> expectedNames.add(name.asText()));
        assertEquals(expectedNames, names);
      } else {
        expected.get("tensors").fieldNames().forEachRemaining(expectedNames::add);
        assertEquals(new HashSet<>(expectedNames), new HashSet<>(names));
      }
      for (String name : names) {
        compareTensor(file, name, expected.get("tensors").get(name));
      }
    }
  }

  private static Map<String, String> metadata(JsonNode expected) {
    Map<String, String> metadata = new HashMap<>();
    JsonNode values = expected.get("metadata");
    values.fieldNames().forEachRemaining(key -> metadata.put(key, values.get(key).asText()));
    return metadata;
  }

  private static void compareTensor(SafetensorsFile file, String name, JsonNode expected)
      throws Exception {
    TensorEntry entry = file.entry(name);
    assertEquals(expected.get("dtype").asText(), entry.dtype().name());
    List<Long> shape = new ArrayList<>();
    expected.get("shape").forEach(extent -> shape.add(extent.asLong()));
    assertTrue(entry.shape().is(shape.stream().mapToLong(Long::longValue).toArray()));
    byte[] bytes = new byte[Math.toIntExact(entry.bytes())];
    try (HostTensor tensor = file.readBytes(name)) {
      HostMemory.copy(tensor.view().address(), bytes, 0, bytes.length);
    }
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(bytes);
    assertEquals(expected.get("sha256").asText(), HexFormat.of().formatHex(hash));
    if (FloatConversion.isFloat(entry.dtype()) && expected.get("sum").isNumber()) {
      compareSum(file, name, expected.get("sum").asDouble());
    }
  }

  private static void compareSum(SafetensorsFile file, String name, double expected) {
    try (HostTensor floats = file.readFloats(name)) {
      double sum = 0;
      double magnitude = 0;
      for (float value : floats.toFloats()) {
        sum += value;
        magnitude += Math.abs(value);
      }
      boolean rounded = file.entry(name).dtype() == DType.F64;
      assertEquals(expected, sum, magnitude * (rounded ? 1e-7 : 1e-14), name);
    }
  }
}
