package dev.coxswain.backend;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * The owner of a native object that several threads use. {@link #close()} is idempotent; the object
 * is freed by whoever leaves last, so a close on one thread never pulls it from under another.
 * Allocation-free to use:
 *
 * <pre>
 * long pointer = handle.acquire();
 * try { ... } finally { handle.release(); }
 * </pre>
 */
public final class NativeHandle implements AutoCloseable {
  private static final long CLOSED = 1L << 62;

  private final String owner;
  private final long pointer;
  private final LongConsumer free;

  /** Users inside, plus CLOSED once closed. */
  private final AtomicLong state = new AtomicLong();

  /**
   * @param owner the class named when it is used after close
   */
  public NativeHandle(String owner, long pointer, LongConsumer free) {
    this.owner = owner;
    this.pointer = pointer;
    this.free = free;
  }

  /**
   * @throws IllegalStateException once closed
   */
  public long acquire() {
    for (; ; ) {
      long users = state.get();
      if (users >= CLOSED) {
        throw new IllegalStateException(owner + " is closed");
      }
      if (state.compareAndSet(users, users + 1)) {
        return pointer;
      }
    }
  }

  public void release() {
    if (state.decrementAndGet() == CLOSED) {
      free.accept(pointer);
    }
  }

  /**
   * @throws IllegalStateException once closed
   */
  public void requireOpen() {
    if (state.get() >= CLOSED) {
      throw new IllegalStateException(owner + " is closed");
    }
  }

  @Override
  public void close() {
    for (; ; ) {
      long users = state.get();
      if (users >= CLOSED) {
        return;
      }
      if (state.compareAndSet(users, users + CLOSED)) {
        if (users == 0) {
          free.accept(pointer);
        }
        return;
      }
    }
  }
}
