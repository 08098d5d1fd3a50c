package dev.coxswain.explain;

import dev.coxswain.backend.Backend;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.tensor.TensorView;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Shards' logits from the first pass to the second, as far as the backend has room for them. */
final class LogitRooms implements AutoCloseable {
  private final Backend backend;
  private final int words;
  private final Map<Integer, TensorOwner> rooms = new HashMap<>();

  /**
   * @param words V
   */
  LogitRooms(Backend backend, int words) {
    this.backend = backend;
    this.words = words;
  }

  /** Room for features {@code from} (inclusive) to {@code to} (exclusive), if there is any. */
  Optional<TensorView> open(int from, int to) {
    backend.explainLogits(to - from, words).ifPresent(room -> rooms.put(from, room));
    return at(from);
  }

  /** What {@link #open} gave for the shard that begins there. */
  Optional<TensorView> at(int from) {
    return Optional.ofNullable(rooms.get(from)).map(TensorOwner::view);
  }

  /** Gives a shard's room back. */
  void close(int from) {
    Optional.ofNullable(rooms.remove(from)).ifPresent(TensorOwner::close);
  }

  @Override
  public void close() {
    rooms.values().forEach(TensorOwner::close);
    rooms.clear();
  }
}
