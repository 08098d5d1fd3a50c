package dev.coxswain.cli;

import dev.coxswain.sae.SaeInspector;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "inspect", description = "Say what an SAE or a safetensors file holds.")
final class InspectCommand extends BaseCommand {
  @Parameters(
      paramLabel = "PATH",
      description = "An SAE's folder or file, or any safetensors file.")
  private Path path;

  @Mixin private JsonOption json;

  @Override
  protected void run() {
    Map<String, Object> object = SaeInspector.inspect(path);
    if (json.wanted()) {
      json.print(out, object);
      return;
    }
    object.forEach(
        (name, value) -> {
          if (!(value instanceof Map || value instanceof List)) {
            out.line("%-22s%s", name, value == null ? "-" : value);
          }
        });
    ((Map<?, ?>) object.get("tensors")).forEach((name, tensor) -> out.line(line(name, tensor)));
  }

  private static String line(Object name, Object tensor) {
    Map<?, ?> entry = (Map<?, ?>) tensor;
    String shape = Arrays.toString((long[]) entry.get("shape"));
    return String.format("  %-20s%-6s%s", name, entry.get("dtype"), shape);
  }
}
