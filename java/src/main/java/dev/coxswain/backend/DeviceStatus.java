package dev.coxswain.backend;

import java.util.Map;
import java.util.Optional;

/**
 * What a device of this machine is, or why it cannot be used.
 *
 * @param kind of device
 * @param unusable the reason in one line; empty where the device works
 * @param details by name, as {@code instruction_set}
 */
public record DeviceStatus(
    Device.Kind kind, Optional<String> unusable, Map<String, Object> details) {}
