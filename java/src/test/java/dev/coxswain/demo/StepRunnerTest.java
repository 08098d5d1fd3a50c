package dev.coxswain.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.io.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StepRunnerTest {
  @TempDir Path folder;

  private final List<String> ran = new ArrayList<>();
  private boolean failing;

  @Test
  void shouldRunStepsInOrderAndGatherTheirFigures() {
    ObjectNode figures = run(step("harvest", 5), step("train", 7));
    assertEquals(List.of("harvest", "train"), ran);
    assertEquals(5, figures.get("harvest_figure").asInt());
    assertEquals(7, figures.get("train_figure").asInt());
    assertTrue(figures.at("/seconds/harvest").isNumber());
  }

  @Test
  void shouldKeepWhatIsDoneAndStillReportItsFigures() {
    ObjectNode first = run(step("harvest", 5), step("train", 7));
    ran.clear();
    assertEquals(first, run(step("harvest", 5), step("train", 7)));
    assertEquals(List.of(), ran);
  }

  @Test
  void shouldRunAStepAgainWhenItsSettingsChangeAndAllStepsAfterIt() {
    run(step("harvest", 5), step("train", 7), step("explain", 9));
    ran.clear();
    run(step("harvest", 5), step("train", 8), step("explain", 9));
    assertEquals(List.of("train", "explain"), ran);
  }

  @Test
  void shouldRunAStepAgainWhenItsOutputIsGone() throws IOException {
    run(step("harvest", 5), step("train", 7));
    ran.clear();
    Files.delete(folder.resolve("train.out"));
    run(step("harvest", 5), step("train", 7));
    assertEquals(List.of("train"), ran);
  }

  @Test
  void shouldGoOnAfterAFailureWhereItWas() {
    failing = true;
    assertThrows(IllegalStateException.class, () -> run(step("harvest", 5), failingStep("train")));
    failing = false;
    ran.clear();
    run(step("harvest", 5), failingStep("train"));
    assertEquals(List.of("train"), ran);
  }

  @Test
  void shouldForgetAStepsRecordBeforeItsFilesAreReplaced() {
    run(step("harvest", 5), step("train", 7));
    failing = true;
    assertThrows(IllegalStateException.class, () -> run(step("harvest", 5), failingStep("train")));
    assertFalse(Files.exists(folder.resolve("train.json")));
  }

  @Test
  void shouldRefuseARecordThatIsNone() {
    run(step("harvest", 5));
    AtomicFile.writeString(folder.resolve("harvest.json"), "{}");
    InvalidDataException e =
        assertThrows(InvalidDataException.class, () -> run(step("harvest", 5)));
    assertEquals(
        folder.resolve("harvest.json") + " is not a step's record; --fresh starts the demo over",
        e.getMessage());
  }

  private ObjectNode run(Step... steps) {
    return new StepRunner(folder, new Silent()).run(List.of(steps));
  }

  private Step failingStep(String name) {
    return new FakeStep(name, 100, true);
  }

  private Step step(String name, int setting) {
    return new FakeStep(name, setting, false);
  }

  private final class FakeStep implements Step {
    private final String name;
    private final int setting;
    private final boolean mayFail;

    FakeStep(String name, int setting, boolean mayFail) {
      this.name = name;
      this.setting = setting;
      this.mayFail = mayFail;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public String title() {
      return name;
    }

    @Override
    public Map<String, Object> settings() {
      return Map.of("setting", setting);
    }

    @Override
    public List<Path> outputs() {
      return List.of(folder.resolve(name + ".out"));
    }

    @Override
    public ObjectNode run(ObjectNode figures, Listener listener) {
      ran.add(name);
      if (mayFail && failing) {
        throw new IllegalStateException("failed");
      }
      AtomicFile.writeString(folder.resolve(name + ".out"), "done");
      return JsonNodeFactory.instance.objectNode().put(name + "_figure", setting);
    }
  }

  private static final class Silent implements Listener {
    @Override
    public void begins(int number, int count, String title) {}

    @Override
    public void ends(Outcome outcome, double seconds, String result) {}

    @Override
    public void say(String line) {}

    @Override
    public void progress(long done, long total, String unit, String note) {}
  }
}
