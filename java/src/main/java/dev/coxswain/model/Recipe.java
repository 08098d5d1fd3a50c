package dev.coxswain.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** How one thing of the cache is made from packages. */
interface Recipe {
  String name();

  /** Its kind, size and licence, in a line. */
  String what();

  /** Its folder in the cache; another version has another folder. */
  String folder();

  /** The file in that folder that it is all about. */
  String file();

  /** What a user must accept first, as "comes under …"; empty: nothing. */
  default Optional<String> terms() {
    return Optional.empty();
  }

  /** Makes it, whole, in an empty folder. */
  void make(Path folder, Downloads downloads, Consumer<String> log) throws IOException;
}
