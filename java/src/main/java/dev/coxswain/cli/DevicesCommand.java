package dev.coxswain.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "devices", description = "Say what can compute here, and why something cannot.")
final class DevicesCommand extends BaseCommand {
  private static final String NO_CUDA = "this build has no CUDA backend";

  @Mixin private JsonOption json;

  @Override
  protected void run() {
    int threads = Runtime.getRuntime().availableProcessors();
    if (json.wanted()) {
      json.print(out, asObject(threads));
    } else {
      out.line("cpu   " + threads + " threads");
      out.line("cuda  not usable: " + NO_CUDA);
    }
  }

  private static Map<String, Object> asObject(int threads) {
    Map<String, Object> cuda = new LinkedHashMap<>();
    cuda.put("usable", false);
    cuda.put("reason", NO_CUDA);
    cuda.put("devices", List.of());
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("cpu", Map.of("threads", threads));
    object.put("cuda", cuda);
    return object;
  }
}
