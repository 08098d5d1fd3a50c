package dev.coxswain.backend;

import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;

/**
 * A tensor on the host and on a backend's device, for rows in passage from block to block; one
 * tensor, and copies that do nothing, where the device reads the host's memory. Owns both sides.
 */
public final class TensorTwin implements AutoCloseable {
  private final Backend backend;
  private final HostTensor host;
  private final TensorOwner device;

  public TensorTwin(Backend backend, DType dtype, long... extents) {
    this.backend = backend;
    this.host = HostTensor.allocate(dtype, extents);
    try {
      this.device = backend.space().isHost() ? host : backend.allocate(dtype, Shape.of(extents));
    } catch (RuntimeException | Error e) {
      host.close();
      throw e;
    }
  }

  public DType dtype() {
    return host.dtype();
  }

  public Shape shape() {
    return host.shape();
  }

  /** The first {@code n} rows on the host. */
  public TensorView onHost(long n) {
    return host.view().rows(0, n);
  }

  /** The first {@code n} rows for the backend to read or write. */
  public TensorView onDevice(long n) {
    return device.view().rows(0, n);
  }

  /** Brings the first {@code n} rows from the host to the device. */
  public void toDevice(long n) {
    if (device != host) {
      backend.copy(onHost(n), onDevice(n));
    }
  }

  /** Brings the first {@code n} rows from the device to the host. */
  public void toHost(long n) {
    if (device != host) {
      backend.copy(onDevice(n), onHost(n));
    }
  }

  @Override
  public void close() {
    device.close();
    host.close();
  }
}
