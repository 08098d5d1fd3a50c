package dev.coxswain.cli;

import dev.coxswain.Engine;
import dev.coxswain.backend.DeviceStatus;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
    return device
        .unusable()
        .map(reason -> "not usable: " + reason)
        .orElseGet(
            () -> device.details().toString().replaceAll("[{}]", "").replaceAll("[=_]", " "));
  }

  private static Map<String, Object> asObject(DeviceStatus device) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("usable", device.unusable().isEmpty());
    device.unusable().ifPresent(reason -> object.put("reason", reason));
    object.putAll(device.details());
    return object;
  }
}
