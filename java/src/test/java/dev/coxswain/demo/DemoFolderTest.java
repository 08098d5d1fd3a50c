package dev.coxswain.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.error.UsageException;
import dev.coxswain.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoFolderTest {
  @TempDir Path parent;

  @Test
  void shouldTakeANewFolderAnEmptyOneAndItsOwnAgain() throws IOException {
    Path root = parent.resolve("a/new/folder");
    open(root).close();
    open(root).close();
    Path empty = Files.createDirectory(parent.resolve("empty"));
    open(empty).close();
    assertTrue(Files.isDirectory(empty.resolve(".steps")));
  }

  @Test
  void shouldLeaveAFolderThatHoldsOtherThingsAlone() {
    AtomicFile.writeString(parent.resolve("thesis.tex"), "mine");
    UsageException e = assertThrows(UsageException.class, () -> open(parent));
    assertEquals(
        parent + " holds other things; give --out a new folder or an earlier demo's",
        e.getMessage());
    assertFalse(Files.exists(parent.resolve(".steps")));
  }

  @Test
  void shouldRefuseAFile() {
    Path file = parent.resolve("file");
    AtomicFile.writeString(file, "");
    UsageException e = assertThrows(UsageException.class, () -> open(file));
    assertEquals(file + " is a file; --out names a folder", e.getMessage());
  }

  @Test
  void shouldRefuseASecondDemoInTheSameFolder() {
    Path root = parent.resolve("demo");
    try (DemoFolder first = open(root)) {
      UsageException e = assertThrows(UsageException.class, () -> open(first.root()));
      assertEquals(
          "another demo is writing " + root + "; give --out another folder", e.getMessage());
    }
    open(root).close();
  }

  @Test
  void shouldForgetWhatIsDoneWhenStartedAfresh() {
    Path root = parent.resolve("demo");
    try (DemoFolder folder = open(root)) {
      AtomicFile.writeString(folder.records().resolve("harvest.json"), "{}");
    }
    open(root).close();
    assertTrue(Files.exists(root.resolve(".steps/harvest.json")));
    DemoFolder.open(root, DemoOptions.Start.FRESH).close();
    assertFalse(Files.exists(root.resolve(".steps/harvest.json")));
  }

  @Test
  void shouldRemoveWhatAnUnfinishedTrainingLeft() throws IOException {
    try (DemoFolder folder = open(parent.resolve("demo"))) {
      Files.createDirectories(folder.sae().resolve("checkpoint"));
      AtomicFile.writeString(folder.sae().resolve("checkpoint/state"), "half");
      folder.clearSae();
      assertFalse(Files.exists(folder.sae()));
      folder.clearSae();
    }
  }

  private static DemoFolder open(Path root) {
    return DemoFolder.open(root, DemoOptions.Start.RESUME);
  }
}
