package dev.coxswain.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class HostTensorTest {
  @Test
  void shouldBeZeroedAndAlignedAtBirth() {
    try (HostTensor tensor = HostTensor.allocate(DType.F32, 3, 5)) {
      assertEquals(0, tensor.view().address() % 64);
      assertArrayEquals(new float[15], tensor.toFloats());
    }
  }

  @Test
  void shouldRefuseUseAfterCloseByName() {
    HostTensor tensor = HostTensor.ofFloats(Shape.of(2), 1f, 2f);
    tensor.close();
    tensor.close();
    var refusal = assertThrows(IllegalStateException.class, tensor::view);
    assertEquals("HostTensor is closed", refusal.getMessage());
    assertThrows(IllegalStateException.class, () -> tensor.getFloat(0));
  }

  @Test
  void shouldFreeOnceWhenManyThreadsClose() throws InterruptedException {
    for (int round = 0; round < 200; round++) {
      HostTensor tensor = HostTensor.allocate(DType.F32, 1024);
      Thread[] closers = new Thread[4];
      for (int t = 0; t < closers.length; t++) {
        closers[t] = new Thread(tensor::close);
        closers[t].start();
      }
      for (Thread closer : closers) {
        closer.join();
      }
      assertThrows(IllegalStateException.class, tensor::view);
    }
  }

  @Test
  void shouldRefuseAnElementOutsideTheShape() {
    try (HostTensor tensor = HostTensor.ofInts(Shape.of(2, 2), 1, 2, 3, 4)) {
      assertEquals(4, tensor.getInt(3));
      assertThrows(IndexOutOfBoundsException.class, () -> tensor.getInt(4));
      assertThrows(IllegalArgumentException.class, () -> tensor.getFloat(0));
    }
  }

  @Test
  void shouldViewRowsWithoutCopying() {
    try (HostTensor tensor = HostTensor.ofFloats(Shape.of(3, 2), 0f, 1f, 2f, 3f, 4f, 5f)) {
      TensorView rows = tensor.view().rows(1, 3);
      assertEquals("[2, 2]", rows.shape().toString());
      assertEquals(2f, HostMemory.getFloat(rows.address()));
      assertThrows(IndexOutOfBoundsException.class, () -> tensor.view().rows(2, 4));
    }
  }

  @Test
  void shouldHoldNothingWhenAnExtentIsZero() {
    try (HostTensor tensor = HostTensor.allocate(DType.F32, 0, 7)) {
      assertEquals(0, tensor.view().byteSize());
      assertEquals(0, tensor.toFloats().length);
    }
  }

  @Test
  void shouldRefuseExtentsThatOverflow() {
    assertThrows(ArithmeticException.class, () -> Shape.of(1L << 40, 1L << 40));
    assertThrows(IllegalArgumentException.class, () -> Shape.of(-1));
  }
}
