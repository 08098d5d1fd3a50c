package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.backend.DeviceStatus;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "devices", description = "Say what can compute here, and why something cannot.")
final class DevicesCommand extends BaseCommand {
  @Mixin private ComputeOptions compute;
  @Mixin private JsonOption json;

  @Override
  protected void run() {
    List<DeviceStatus> devices = Engine.devices(compute.threads());
    if (json.wanted()) {
      Map<String, Object> object = new LinkedHashMap<>();
      devices.forEach(device -> object.put(name(device), asObject(device)));
      json.print(out, object);
    } else {
      devices.forEach(device -> out.line(name(device) + "  " + text(device)));
    }
  }

  private static String name(DeviceStatus device) {
    return device.kind().name().toLowerCase(Locale.ROOT);
  }

  private static String text(DeviceStatus device) {
    Map<String, Object> details = new LinkedHashMap<>(device.details());
    Object members = details.remove("devices");
    String text =
        device.unusable().map(reason -> "not usable: " + reason).orElseGet(() -> words(details));
    if (members instanceof List<?> list) {
      return text + list.stream().map(DevicesCommand::member).collect(Collectors.joining());
    }
    return text;
  }

  /** A line of its own. */
  private static String member(Object device) {
    Map<Object, Object> details = new LinkedHashMap<>((Map<?, ?>) device);
    return System.lineSeparator() + details.remove("device") + "  " + words(details);
  }

  private static String words(Map<?, ?> details) {
    return details.entrySet().stream()
        .map(detail -> detail.getKey().toString().replace('_', ' ') + " " + detail.getValue())
        .collect(Collectors.joining(", "));
  }

  private static Map<String, Object> asObject(DeviceStatus device) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("usable", device.unusable().isEmpty());
    device.unusable().ifPresent(reason -> object.put("reason", reason));
    object.putAll(device.details());
    return object;
  }
}
