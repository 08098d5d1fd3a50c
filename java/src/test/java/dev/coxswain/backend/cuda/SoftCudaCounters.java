package dev.coxswain.backend.cuda;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.lwjgl.system.JNI;
import org.lwjgl.system.Library;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.SharedLibrary;

/** What the software driver counted of each kernel, by name. */
final class SoftCudaCounters {
  private static final ObjectMapper JSON = new ObjectMapper();

  private SoftCudaCounters() {}

  /** Counters of the launches that {@code work} makes and waits for. */
  static Map<String, JsonNode> of(Runnable work) throws IOException {
    Path folder = Files.createTempDirectory("softcuda");
    Path file = folder.resolve("counters.jsonl");
    try (SharedLibrary driver = Library.loadNative(SoftCudaCounters.class, "", "libcuda.so.1")) {
      long dump = driver.getFunctionAddress("softcudaDumpCounters");
      set(driver, "COUNTERS", file.toString());
      JNI.invokeV(dump);
      Files.deleteIfExists(file);
      work.run();
      JNI.invokeV(dump);
      set(driver, "COUNTERS", "");
      Map<String, JsonNode> counters = new HashMap<>();
      for (String line : Files.readAllLines(file)) {
        JsonNode kernel = JSON.readTree(line);
        counters.put(kernel.get("kernel").asText(), kernel.get("counters"));
      }
      return counters;
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }

  private static void set(SharedLibrary driver, String name, String value) {
    try (MemoryStack stack = MemoryStack.stackPush()) {
      long function = driver.getFunctionAddress("softcudaSet");
      int failed =
          JNI.invokePPI(
              org.lwjgl.system.MemoryUtil.memAddress(stack.UTF8(name)),
              org.lwjgl.system.MemoryUtil.memAddress(stack.UTF8(value)),
              function);
      if (failed != 0) {
        throw new IllegalStateException("softcudaSet " + name + " = " + value);
      }
    }
  }
}
