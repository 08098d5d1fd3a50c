package dev.coxswain.tensor;

/**
 * The one owner of a tensor's memory, on the host or on a device. Closing is idempotent and may
 * happen on any thread; {@link #view()} afterwards fails with the class's name. A view taken before
 * must not be used after the close.
 */
public interface TensorOwner extends AutoCloseable {
  /**
   * @throws IllegalStateException once closed
   */
  TensorView view();

  @Override
  void close();
}
