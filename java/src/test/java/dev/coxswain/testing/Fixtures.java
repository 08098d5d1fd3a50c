package dev.coxswain.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Assumptions;

/** The files written by the tools that own the formats; a stranger's clone does not have them. */
public final class Fixtures {
  private static final AtomicBoolean SAID = new AtomicBoolean();

  private Fixtures() {}

  /** Their folder; where it is absent, skips the test with a line that says so. */
  public static Path folder() {
    Path folder = candidate();
    boolean present = Files.isDirectory(folder);
    if (!present && SAID.compareAndSet(false, true)) {
      System.out.println(
          "Fixtures are absent (" + folder + "; COX_FIXTURES names another place): skipped");
    }
    Assumptions.assumeTrue(present, "fixtures are absent");
    return folder;
  }

  private static Path candidate() {
    String named = System.getProperty("cox.fixtures", System.getenv("COX_FIXTURES"));
    if (named != null) {
      return Path.of(named);
    }
    String root = System.getProperty("cox.root", "..");
    return Path.of(root).resolve("../shared/fixtures").toAbsolutePath().normalize();
  }
}
