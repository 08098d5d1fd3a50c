package dev.coxswain.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs every kernel's case; {@code -Dcox.kernels.out=docs/kernels.md} writes the table. */
@Tag("cuda")
class KernelFiguresTest {
  /** ptxas spills one of its 168 registers there; 384 threads cannot have more. */
  private static final String ONE_REGISTER = "steer.sm_120.cubin.txt: cox_steer";

  private static final List<KernelFigures> FIGURES =
      Collections.synchronizedList(new ArrayList<>());

  /** Shown as the operation's name. */
  private record Named(KernelCase kernelCase) {
    @Override
    public String toString() {
      return kernelCase.name();
    }
  }

  static List<Named> cases() {
    return KernelCases.all().stream().map(Named::new).toList();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldKeepTheFiguresThatTheKernelPromises(Named named)
      throws IOException, InterruptedException {
    List<KernelFigures> figures = KernelFigures.of(named.kernelCase());
    FIGURES.addAll(figures);
    List<String> broken = figures.stream().flatMap(own -> own.broken().stream()).toList();
    assertEquals("", String.join("\n", broken));
  }

  @Test
  void shouldSpillNoRegisterOnAnyArchitecture() throws IOException {
    List<String> spilling = new ArrayList<>(CubinResources.spilling());
    spilling.remove(ONE_REGISTER);
    assertEquals("", String.join("\n", spilling));
  }

  @AfterAll
  static void write() throws IOException {
    Optional<String> out = Optional.ofNullable(System.getProperty("cox.kernels.out"));
    if (out.isPresent()) {
      Files.writeString(Path.of(out.get()), KernelsDocument.render(FIGURES));
    }
  }
}
