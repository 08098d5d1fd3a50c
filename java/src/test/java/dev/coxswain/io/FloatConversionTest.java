package dev.coxswain.io;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class FloatConversionTest {

  @Test
  void shouldReturnEveryHalfUnchangedThroughFloat() {
    for (int bits = 0; bits < 65_536; bits++) {
      float value = FloatConversion.halfToFloat((short) bits);
      if (Float.isNaN(value)) {
        assertEquals(0x7c00, bits & 0x7c00);
      } else {
        assertEquals((short) bits, FloatConversion.floatToHalf(value));
        assertEquals(halfByDefinition(bits), value);
      }
    }
  }

  private static double halfByDefinition(int bits) {
    int exponent = (bits >> 10) & 31;
    double fraction = (bits & 1023) / 1024.0;
    double magnitude =
        exponent == 31
            ? Double.POSITIVE_INFINITY
            : exponent == 0 ? fraction * 0x1p-14 : (1 + fraction) * Math.pow(2, exponent - 15);
    return (bits & 0x8000) == 0 ? magnitude : -magnitude;
  }

  @Test
  void shouldRoundToTheNearestHalfAndToEvenBetweenTwo() {
    for (int bits = 0; bits < 0x7bff; bits++) {
      float low = FloatConversion.halfToFloat((short) bits);
      float high = FloatConversion.halfToFloat((short) (bits + 1));
      float middle = (low + high) / 2;
      assertEquals((bits & 1) == 0 ? bits : bits + 1, FloatConversion.floatToHalf(middle));
      assertEquals(bits, FloatConversion.floatToHalf(Math.nextDown(middle)));
      assertEquals(bits + 1, FloatConversion.floatToHalf(Math.nextUp(middle)));
    }
    assertEquals(0x7bff, FloatConversion.floatToHalf(Math.nextDown(65520f)));
    assertEquals(0x7c00, FloatConversion.floatToHalf(65520f));
  }

  @Test
  void shouldRoundToTheNearestBfloat16() {
    assertEquals(0x3f80, FloatConversion.floatToBfloat16(1.00390625f));
    assertEquals(0x3f82, FloatConversion.floatToBfloat16(1.01171875f));
    assertEquals(0x3f81, FloatConversion.floatToBfloat16(Math.nextUp(1.00390625f)));
    assertEquals(0x7f80, FloatConversion.floatToBfloat16(Float.MAX_VALUE));
    float nan = Float.intBitsToFloat(0x7f800001);
    assertEquals(0x7fc0, FloatConversion.floatToBfloat16(nan));
  }
}
