package dev.coxswain.host;

import dev.coxswain.sae.SaeReader;
import dev.coxswain.sae.SparseAutoencoder;
import dev.coxswain.tensor.HostMemory;
import java.nio.charset.StandardCharsets;

/**
 * An SAE that a host loaded. Native code closes it once neither a handle nor an observer is left.
 */
final class HostSae implements AutoCloseable {
  private static final int PATH = 1;
  private static final int WIDTH = 3;
  private static final int FEATURES = 4;
  private static final int K = 5;
  private static final int LAYER = 6;
  private static final int MEAN_NORM = 7;
  private static final int MODEL_SHA256 = 8;
  private static final int SHA256_DIGITS = 64;

  private final SparseAutoencoder sae;

  private HostSae(SparseAutoencoder sae) {
    this.sae = sae;
  }

  static HostSae load(NativeWords words) {
    HostSae loaded = new HostSae(SaeReader.read(words.path(PATH, "the SAE's path")));
    loaded.describe(words);
    return loaded;
  }

  SparseAutoencoder sae() {
    return sae;
  }

  private void describe(NativeWords words) {
    words.set(WIDTH, sae.width());
    words.set(FEATURES, sae.features());
    words.set(K, sae.k());
    words.set(LAYER, layer());
    words.set(MEAN_NORM, Double.doubleToRawLongBits(sae.meanNorm().orElse(0.0)));
    String sha256 = sae.metadata().getOrDefault(SparseAutoencoder.MODEL_SHA256, "");
    if (sha256.matches("[0-9a-fA-F]{" + SHA256_DIGITS + "}")) {
      HostMemory.copy(
          sha256.getBytes(StandardCharsets.US_ASCII), 0, words.get(MODEL_SHA256), SHA256_DIGITS);
    }
  }

  private long layer() {
    String layer = sae.metadata().getOrDefault(SparseAutoencoder.LAYER, "");
    return layer.matches("\\d{1,6}") ? Long.parseLong(layer) : -1;
  }

  @Override
  public void close() {
    sae.close();
  }
}
