package dev.coxswain.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs every kernel's case; {@code -Dcox.kernels.out=docs/kernels.md} writes the table. */
@Tag("cuda")
class KernelFiguresTest {
  /** ptxas spills one or two registers there, however many a block may have. */
  private static final Set<String> FEW_REGISTERS =
      Set.of(
          "steer.sm_120.cubin.txt: cox_steer", "encode_scan.sm_120.cubin.txt: cox_encode_scan_1");

  private static final List<KernelFigures> FIGURES =
      Collections.synchronizedList(new ArrayList<>());

  private static final List<AlsoLaunched> OTHERS = Collections.synchronizedList(new ArrayList<>());

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
    Map<String, KernelCounters> counters = KernelCounters.of(named.kernelCase());
    List<KernelFigures> figures = KernelFigures.of(named.kernelCase(), counters);
    FIGURES.addAll(figures);
    OTHERS.addAll(AlsoLaunched.of(named.kernelCase(), counters));
    List<String> broken = figures.stream().flatMap(own -> own.broken().stream()).toList();
    assertEquals("", String.join("\n", broken));
  }

  @Test
  void shouldSpillNoRegisterOnAnyArchitecture() throws IOException {
    List<String> spilling = new ArrayList<>(CubinResources.spilling());
    spilling.removeAll(FEW_REGISTERS);
    assertEquals("", String.join("\n", spilling));
  }

  @AfterAll
  static void write() throws IOException {
    Optional<String> out = Optional.ofNullable(System.getProperty("cox.kernels.out"));
    if (out.isPresent()) {
      Files.writeString(Path.of(out.get()), KernelsDocument.render(FIGURES, OTHERS));
    }
  }
}
