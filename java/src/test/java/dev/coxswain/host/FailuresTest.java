package dev.coxswain.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.coxswain.error.DeviceException;
import dev.coxswain.error.FileException;
import dev.coxswain.error.InvalidDataException;
import dev.coxswain.error.UsageException;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostMemory;
import dev.coxswain.tensor.HostTensor;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class FailuresTest {
  private static final int BUFFER_BYTES = 1024;

  private record Reported(int status, String text) {}

  private static Reported report(Throwable failure) {
    try (HostTensor buffer = HostTensor.allocate(DType.U8, BUFFER_BYTES)) {
      long address = buffer.view().address();
      int status = Failures.report(failure, address);
      assertEquals(status, HostMemory.getInt(address));
      byte[] text = new byte[HostMemory.getInt(address + 4)];
      HostMemory.copy(address + 8, text, 0, text.length);
      return new Reported(status, new String(text, StandardCharsets.UTF_8));
    }
  }

  @Test
  void shouldGiveEachKindOfErrorItsStatusAndItsOwnLine() {
    assertEquals(new Reported(-1, "what"), report(new UsageException("what")));
    assertEquals(new Reported(-6, "what"), report(new InvalidDataException("what")));
    assertEquals(new Reported(-7, "what"), report(new FileException("what", null)));
    assertEquals(new Reported(-8, "what"), report(new DeviceException("what")));
  }

  @Test
  void shouldNameTheKindOfAnErrorThatIsNotOurs() {
    assertEquals(
        new Reported(-14, "java.lang.IllegalStateException: what"),
        report(new IllegalStateException("what")));
    assertEquals(
        new Reported(-14, "java.lang.StackOverflowError"), report(new StackOverflowError()));
    assertEquals(
        new Reported(-13, "java.lang.OutOfMemoryError: Java heap space"),
        report(new OutOfMemoryError("Java heap space")));
    assertEquals(
        new Reported(-8, "java.lang.UnsatisfiedLinkError: what"),
        report(new UnsatisfiedLinkError("what")));
  }

  @Test
  void shouldCutALongLineAtAWholeCharacter() {
    String line = "x" + "é".repeat(600);
    Reported reported = report(new InvalidDataException(line));
    assertEquals("x" + "é".repeat(507), reported.text());
  }

  @Test
  void shouldReportAnErrorWhoseMessageFails() {
    Throwable hostile =
        new RuntimeException() {
          @Override
          public String getMessage() {
            throw new IllegalStateException();
          }
        };
    assertEquals(new Reported(-14, ""), report(hostile));
  }
}
