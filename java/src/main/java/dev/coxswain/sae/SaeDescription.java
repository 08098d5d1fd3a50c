package dev.coxswain.sae;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What a folder says of its SAE before any weight is read.
 *
 * @param format whose layout it is
 * @param architecture as the format calls it
 * @param width d
 * @param features F
 * @param k features selected a row, where the architecture has such
 * @param dtype element type by its PyTorch name ({@code float32}, …)
 * @param subtractsBDec δ
 * @param metadata what is known of its origin, as text by dotted name
 * @param unsupported why it can't be computed here, where it can't
 */
public record SaeDescription(
    SaeFormat format,
    String architecture,
    int width,
    int features,
    OptionalInt k,
    String dtype,
    boolean subtractsBDec,
    Map<String, String> metadata,
    Optional<String> unsupported) {}
