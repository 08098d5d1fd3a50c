package dev.coxswain.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.coxswain.backend.Activation;
import dev.coxswain.backend.EncodeReport;
import dev.coxswain.backend.Normalization;
import dev.coxswain.backend.SparseRows;
import dev.coxswain.backend.contract.Placed;
import dev.coxswain.backend.cpu.CpuBackend;
import dev.coxswain.tensor.DType;
import dev.coxswain.tensor.HostTensor;
import dev.coxswain.tensor.Shape;
import dev.coxswain.tensor.TensorOwner;
import dev.coxswain.testing.Inputs;
import dev.coxswain.testing.Seeds;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.MethodSource;

/** Each way to encode on CUDA, by name: the bits are always the CPU's. */
@Tag("cuda")
class CudaEncodeTest {
  private static final long SEED = Seeds.next("CudaEncodeTest");
  private static final EncodeTuning DEFAULT = EncodeTuning.DEFAULT;

  private static CpuBackend cpu;
  private static CudaBackend cuda;

  @BeforeAll
  static void open() {
    cpu = CpuBackend.open(2);
    cuda = CudaBackend.open(0);
  }

  @AfterAll
  static void close() {
    cuda.close();
    cpu.close();
  }

  static Stream<Arguments> pathsAndInputs() {
    return Stream.of(EncodePath.values())
        .flatMap(path -> Inputs.all().map(inputs -> Arguments.of(path, inputs)));
  }

  @ParameterizedTest
  @MethodSource("pathsAndInputs")
  void shouldGiveTheBitsOfTheCpuOnEveryPath(EncodePath path, Inputs inputs) {
    EncodeCase topK = EncodeCase.topK(inputs.draw(SEED));
    EncodeTuning tuning = DEFAULT.with(path);
    topK.assertSameBits(cpu, cuda, tuning);
    topK.of(DType.F16).with(Normalization.LAYER_NORM, false).assertSameBits(cpu, cuda, tuning);
    topK.of(DType.BF16).as(Activation.RELU).assertSameBits(cpu, cuda, tuning);
    topK.as(Activation.JUMP_RELU)
        .with(Normalization.CONSTANT_NORM, true)
        .assertSameBits(cpu, cuda, tuning);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 300, 5",
    "3, 3, 257, 7",
    "5, 257, 300, 9",
    "13, 576, 421, 16",
    "17, 64, 640, 1",
    "131, 40, 270, 4",
    "2, 1024, 130, 130"
  })
  void shouldTakeAnyShapeOnEveryPath(int n, int d, int features, int k) {
    EncodeCase topK = EncodeCase.topK(EncodeCase.drawn(SEED, n, d, features, k));
    for (EncodePath path : EncodePath.values()) {
      topK.assertSameBits(cpu, cuda, DEFAULT.with(path));
    }
  }

  @ParameterizedTest
  @EnumSource(EncodePath.class)
  void shouldTakeThePathThatATestNames(EncodePath path) {
    EncodeShape shape = new EncodeShape(9, 64, 70, 8, 8, false, true);
    DeviceTraits traits = cuda.device().traits();
    assertEquals(path, EncodePlan.of(shape, traits, () -> true, DEFAULT.with(path)).path());
  }

  @ParameterizedTest
  @EnumSource(EncodePath.class)
  void shouldCutRowsToTheMemoryThereIs(EncodePath path) {
    EncodeTuning small = new EncodeTuning(Optional.of(path), 1, 1536, 4096, 0);
    Inputs.Arrays arrays = EncodeCase.drawn(SEED, 150, 33, 260, 6);
    EncodeCase topK = EncodeCase.topK(arrays);
    arrays.x()[140 * 33] = Float.NaN;
    topK.assertSameBits(cpu, cuda, small);
    topK.as(Activation.RELU).places(20).assertSameBits(cpu, cuda, small);
  }

  @ParameterizedTest
  @EnumSource(
      value = EncodePath.class,
      mode = Mode.EXCLUDE,
      names = {"SCAN", "FULL"})
  void shouldScoreRowsInFullWhoseBoundsTellTooLittleApart(EncodePath path) {
    Inputs.Arrays arrays = EncodeCase.drawn(SEED, 6, 40, 400, 2);
    Arrays.fill(arrays.wEnc(), 0f);
    Arrays.fill(arrays.bEnc(), 1f);
    EncodeTuning tight = new EncodeTuning(Optional.of(path), 0, 0, 4096, 128);
    assertEquals(6, EncodeCase.topK(arrays).assertSameBits(cpu, cuda, tight));
    assertEquals(0, EncodeCase.topK(arrays).assertSameBits(cpu, cuda, DEFAULT.with(path)));
  }

  @ParameterizedTest
  @EnumSource(
      value = EncodePath.class,
      mode = Mode.EXCLUDE,
      names = {"SCAN", "FULL"})
  void shouldScoreFewFeaturesOfOrdinaryRows(EncodePath path) {
    EncodeCase topK = EncodeCase.topK(EncodeCase.drawn(SEED, 9, 200, 2100, 3));
    EncodeTuning tuning = new EncodeTuning(Optional.of(path), 0, 1100, 4096, 256);
    assertEquals(0, topK.assertSameBits(cpu, cuda, tuning));
  }

  @ParameterizedTest
  @EnumSource(
      value = EncodePath.class,
      mode = Mode.EXCLUDE,
      names = {"SCAN", "FULL"})
  void shouldScoreRowsInFullThatAreBeyondTheBound(EncodePath path) {
    Inputs.Arrays arrays = EncodeCase.drawn(SEED, 5, 40, 300, 6);
    Arrays.fill(arrays.x(), 2 * 40, 3 * 40, 1e30f);
    long fullScans = EncodeCase.topK(arrays).assertSameBits(cpu, cuda, DEFAULT.with(path));
    assertEquals(1, fullScans);
  }

  @ParameterizedTest
  @EnumSource(EncodePath.class)
  void shouldStayExactWithWeightsBeyondTheBound(EncodePath path) {
    Inputs.Arrays arrays = EncodeCase.drawn(SEED, 5, 40, 300, 6);
    Arrays.fill(arrays.wEnc(), 7 * 40, 8 * 40, 1e30f);
    arrays.wEnc()[9 * 40] = Float.NaN;
    arrays.wEnc()[11 * 40] = Float.POSITIVE_INFINITY;
    EncodeCase.topK(arrays).assertSameBits(cpu, cuda, DEFAULT.with(path));
  }

  @Test
  void shouldBringARowsListsTogether() {
    EncodeTuning lists = new EncodeTuning(Optional.of(EncodePath.INT8), 0, 64, 100, 0);
    for (Inputs inputs : List.of(Inputs.tiedRows, Inputs.uniform, Inputs.nanRow)) {
      EncodeCase topK = EncodeCase.topK(inputs.draw(SEED));
      topK.assertSameBits(cpu, cuda, lists);
      topK.as(Activation.RELU).assertSameBits(cpu, cuda, lists);
    }
    EncodeCase.topK(EncodeCase.drawn(SEED, 3, 64, 1300, 4)).assertSameBits(cpu, cuda, lists);
  }

  @ParameterizedTest
  @EnumSource(EncodePath.class)
  void shouldSortMoreFeaturesThanABlockHolds(EncodePath path) {
    EncodeCase all = EncodeCase.topK(EncodeCase.drawn(SEED, 2, 8, 4500, 4500));
    EncodeTuning tuning = DEFAULT.with(path);
    all.assertSameBits(cpu, cuda, tuning);
    all.places(2300).assertSameBits(cpu, cuda, tuning);
    all.as(Activation.RELU).assertSameBits(cpu, cuda, tuning);
  }

  @Test
  void shouldSelectAmongManyTiesByIndex() {
    Inputs.Arrays arrays = EncodeCase.drawn(SEED, 2, 4, 5000, 30);
    Arrays.fill(arrays.wEnc(), 0f);
    Arrays.fill(arrays.bEnc(), 1f);
    EncodeCase.topK(arrays).assertSameBits(cpu, cuda, DEFAULT.with(EncodePath.SCAN));
  }

  @ParameterizedTest
  @EnumSource(
      value = EncodePath.class,
      names = {"INT8", "FUSED"})
  void shouldSeeWeightsThatWereWrittenSince(EncodePath path) {
    Inputs.Arrays before = EncodeCase.drawn(SEED, 4, 48, 280, 5);
    Inputs.Arrays after = EncodeCase.drawn(SEED + 1, 4, 48, 280, 5);
    CudaEncode encode = new CudaEncode(cuda.device(), DEFAULT.with(path));
    try (Placed placed = new Placed(cuda, before);
        HostTensor weights = HostTensor.ofFloats(Shape.of(280, 48), after.wEnc())) {
      var encoder = placed.encoder(Activation.TOP_K, Normalization.NONE, false);
      SparseRows active = placed.rows(4, 5);
      var x = placed.x(DType.F32);
      encode.encode(encoder, x, active);
      cuda.copy(weights.view(), encoder.wEnc());
      EncodeReport report = encode.encode(encoder, x, active);
      Inputs.Arrays mixed =
          new Inputs.Arrays(
              4,
              48,
              280,
              5,
              before.x(),
              after.wEnc(),
              before.bEnc(),
              before.wDec(),
              before.bDec(),
              before.threshold());
      EncodeCase.topK(mixed)
          .with(Normalization.NONE, false)
          .onCpu(cpu)
          .assertSame(EncodeCase.Result.of(cuda, active, report), path.toString());
    }
  }

  @ParameterizedTest
  @EnumSource(value = EncodePath.class, mode = Mode.EXCLUDE, names = "INT8")
  void shouldLookAtASubsetOfFeatures(EncodePath path) {
    Inputs.Arrays arrays = EncodeCase.drawn(SEED, 21, 60, 700, 9);
    int[] subset = IntStream.range(0, 700).filter(f -> f % 3 == 1 || f > 600).toArray();
    EncodeCase.Result expected = expectedOfSubset(arrays, subset);
    try (Placed placed = new Placed(cuda, arrays);
        HostTensor host = HostTensor.ofInts(Shape.of(subset.length), subset);
        TensorOwner numbers = cuda.place(host.view());
        CudaLane lane = cuda.device().lane()) {
      var encoder = placed.encoder(Activation.TOP_K, Normalization.NONE, true);
      SparseRows active = placed.rows(21, 9);
      EncodeCall call =
          new EncodeCall(
              encoder.wEnc().address(),
              encoder.bEnc().address(),
              numbers.view().address(),
              subset.length,
              60,
              0,
              9,
              placed.x(DType.F32).address(),
              21,
              DType.F32,
              Normalization.NONE,
              encoder.subtract().orElseThrow().address(),
              active.values().address(),
              active.indices().address(),
              active.normalization().address(),
              9);
      EncodeReport report =
          new CudaEncode(cuda.device(), DEFAULT.with(path))
              .encodeRows(lane, call, Optional.empty());
      expected.assertSame(EncodeCase.Result.of(cuda, active, report), path.toString());
    }
  }

  /** The CPU's result with those features' weights alone, under their own numbers. */
  private static EncodeCase.Result expectedOfSubset(Inputs.Arrays a, int[] subset) {
    float[] wEnc = new float[subset.length * a.d()];
    float[] bEnc = new float[subset.length];
    for (int i = 0; i < subset.length; i++) {
      System.arraycopy(a.wEnc(), subset[i] * a.d(), wEnc, i * a.d(), a.d());
      bEnc[i] = a.bEnc()[subset[i]];
    }
    Inputs.Arrays part =
        new Inputs.Arrays(
            a.n(), a.d(), subset.length, a.k(), a.x(), wEnc, bEnc, wEnc, a.bDec(), bEnc);
    EncodeCase.Result result = EncodeCase.topK(part).onCpu(cpu);
    int[] indices = Arrays.stream(result.indices()).map(i -> i < 0 ? i : subset[i]).toArray();
    return new EncodeCase.Result(result.values(), indices, result.normalization(), result.report());
  }

  @Test
  void shouldRefuseMemoryOfTheHost() {
    Inputs.Arrays arrays = Inputs.uniform.draw(SEED);
    try (Placed host = new Placed(cpu, arrays);
        Placed device = new Placed(cuda, arrays)) {
      var encoder = device.encoder(Activation.TOP_K, Normalization.NONE, false);
      var x = host.x(DType.F32);
      SparseRows active = device.rows(arrays.n(), arrays.k());
      String message =
          assertThrows(IllegalArgumentException.class, () -> cuda.encode(encoder, x, active))
              .getMessage();
      assertTrue(message.startsWith("x is in host memory"), message);
    }
  }
}
