package dev.coxswain.gpucheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Backend;
import dev.coxswain.backend.ExplainWords;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.SteerKernel;
import dev.coxswain.backend.TrainState;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.TensorView;
import dev.coxswain.testing.Seeds;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The parity half of gpu-check, between CPU backends: one honest, one that flips a single bit. */
class ParityTest {
  private final Backend cpu = CpuBackend.open(2);
  private final Backend other = CpuBackend.open(1);
  private final long seed = Seeds.next("ParityTest");

  @AfterEach
  void close() {
    cpu.close();
    other.close();
  }

  private List<ParityResult> check(Backend device) {
    List<ParityResult> heard = new ArrayList<>();
    List<CheckSize> sizes = List.of(CheckSize.SOFTWARE);
    List<ParityResult> results = Parity.run(cpu, device, Optional.empty(), sizes, seed, heard::add);
    assertEquals(results, heard);
    return results;
  }

  @Test
  void shouldFindNoDifferenceWhereThereIsNone() {
    List<ParityResult> results = check(other);
    results.forEach(result -> assertEquals(true, result.isEqual(), result::toString));
    assertEquals(
        Set.of("encode", "decode", "steer", "explain", "train"),
        results.stream().map(ParityResult::operation).collect(Collectors.toSet()));
    assertTrue(results.stream().allMatch(result -> result.values() > 0));
  }

  @Test
  void shouldReachActiveFeaturesOfEveryActivationAndSelectedRowsOfEveryRule() {
    Set<String> names =
        check(other).stream()
            .map(ParityResult::name)
            .collect(Collectors.toCollection(TreeSet::new));
    for (String wanted :
        List.of(
            "TOP_K", "RELU", "JUMP_RELU", "LAYER_NORM", "AMPLIFY", "CLAMP", "all rules", "MI")) {
      assertTrue(names.stream().anyMatch(name -> name.contains(wanted)), wanted);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"encode", "decode", "apply", "explainTop", "trainStep"})
  void shouldNameTheFirstBitThatDiffers(String method) {
    List<ParityResult> wrong =
        check(faulty(method)).stream().filter(result -> !result.isEqual()).toList();
    String operation =
        switch (method) {
          case "apply" -> "steer";
          case "explainTop" -> "explain";
          case "trainStep" -> "train";
          default -> method;
        };
    assertTrue(wrong.stream().anyMatch(result -> result.operation().equals(operation)), method);
    ParityResult first = wrong.get(0);
    String text = first.difference().orElseThrow();
    assertTrue(
        text.matches(
            "[^:]+\\[\\d+(, \\d+)?]: the CPU has \\S+( \\(0x[0-9a-f]+\\))?, the device .+"),
        text);
  }

  /** The other backend, but one bit of one result of that method is wrong. */
  private Backend faulty(String method) {
    return (Backend)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Backend.class},
            (proxy, called, arguments) -> {
              Object result = call(called, other, arguments);
              if (called.getName().equals(method)) {
                flip(arguments);
              }
              return result instanceof SteerKernel kernel ? faulty(kernel, method) : result;
            });
  }

  private SteerKernel faulty(SteerKernel kernel, String method) {
    return (SteerKernel)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {SteerKernel.class},
            (proxy, called, arguments) -> {
              Object result = call(called, kernel, arguments);
              if (called.getName().equals(method)) {
                flipByte((long) arguments[2]);
              }
              return result;
            });
  }

  private static Object call(java.lang.reflect.Method method, Object target, Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static void flip(Object[] arguments) {
    for (Object argument : arguments) {
      if (argument instanceof SparseRows active && arguments[arguments.length - 1] == active) {
        flipByte(active.values().address());
      } else if (argument instanceof ExplainWords best) {
        flipByte(best.scores().address());
      } else if (argument instanceof TrainState state) {
        flipByte(state.wDec().address());
      } else if (argument instanceof TensorView view
          && arguments[arguments.length - 1] == view
          && arguments[0] instanceof dev.coxswain.backend.Decoder) {
        flipByte(view.address());
      }
    }
  }

  private static void flipByte(long address) {
    HostMemory.putByte(address, (byte) (HostMemory.getByte(address) ^ 1));
  }
}
