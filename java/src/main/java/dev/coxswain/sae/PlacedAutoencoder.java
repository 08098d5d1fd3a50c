package dev.coxswain.sae;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.Decoder;
import dev.coxswain.backend.Encoder;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * An autoencoder whose weights a backend can read. Owns the placements, not the autoencoder, which
 * must stay open until this is closed. Immutable and thread-safe.
 */
public final class PlacedAutoencoder implements AutoCloseable {
  private final SparseAutoencoder sae;
  private final Encoder encoder;
  private final Decoder decoder;

  /** Placed tensors, last first. */
  private final Deque<TensorOwner> owners = new ArrayDeque<>();

  private boolean closed;

  private PlacedAutoencoder(Backend backend, SparseAutoencoder sae) {
    this.sae = sae;
    try {
      TensorView bDec = placed(backend, sae.bDec());
      this.encoder =
          new Encoder(
              placed(backend, sae.wEnc()),
              placed(backend, sae.bEnc()),
              sae.subtractsBDec() ? Optional.of(bDec) : Optional.empty(),
              sae.threshold().map(threshold -> placed(backend, threshold)),
              sae.activation(),
              sae.k(),
              sae.normalization());
      this.decoder = new Decoder(placed(backend, sae.wDec()), bDec, sae.normalization());
    } catch (RuntimeException | Error e) {
      owners.forEach(TensorOwner::close);
      throw e;
    }
  }

  public static PlacedAutoencoder place(Backend backend, SparseAutoencoder sae) {
    return new PlacedAutoencoder(backend, sae);
  }

  private TensorView placed(Backend backend, TensorView host) {
    TensorOwner owner = backend.place(host);
    owners.push(owner);
    return owner.view();
  }

  public SparseAutoencoder sae() {
    return sae;
  }

  /**
   * @throws IllegalStateException once closed
   */
  public synchronized Encoder encoder() {
    requireOpen();
    return encoder;
  }

  /**
   * @throws IllegalStateException once closed
   */
  public synchronized Decoder decoder() {
    requireOpen();
    return decoder;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("PlacedAutoencoder is closed");
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      owners.forEach(TensorOwner::close);
    }
  }
}
