// Shuffles, votes, matches, reductions, barriers with results, atomics.
#include <algorithm>
#include <numeric>

#include "engine_support.h"

namespace softcuda::test {
namespace {

const char* const kHead =
    ".reg .b64 %rd<9>; .reg .b32 %r<20>; .reg .pred %p<9>; .reg .f32 %f<4>;\n"
    "mov.u32 %r1, %tid.x; ld.param.u64 %rd1, [p0]; mul.wide.u32 %rd2, %r1, 4; add.u64 %rd1, %rd1, %rd2; "
    "mov.u32 %r2, 0;\n";

std::vector<uint32_t> run(const std::string& body, uint32_t threads = 32, const std::string& globals = "") {
  Device device;
  uint64_t out = device.reserve(threads * 4);
  LaunchResult result =
      device.run(kernelText(".param .u64 p0", kHead + body + "\nst.global.u32 [%rd1], %r2;", globals),
                 shapeOf(1, threads), {out});
  EXPECT_EQ(result.fault, Fault::none) << textOf(result);
  return device.download<uint32_t>(out, threads);
}

void expect(const std::string& body, uint32_t (*want)(uint32_t)) {
  std::vector<uint32_t> got = run(body);
  for (uint32_t i = 0; i < 32; ++i) EXPECT_EQ(got[i], want(i)) << body << " lane " << i;
}

TEST(WarpInstructions, Shuffles) {
  std::string value = "mad.lo.u32 %r3, %r1, 3, 100;";
  std::string tail = "; selp.u32 %r4, 1000, 0, %p1; add.u32 %r2, %r2, %r4;";
  expect(value + "shfl.sync.bfly.b32 %r2|%p1, %r3, 5, 31, -1" + tail,
         [](uint32_t i) { return 100 + 3 * (i ^ 5) + 1000; });
  expect(value + "shfl.sync.up.b32 %r2|%p1, %r3, 3, 0, -1" + tail,
         [](uint32_t i) { return i >= 3 ? 100 + 3 * (i - 3) + 1000 : 100 + 3 * i; });
  expect(value + "shfl.sync.down.b32 %r2|%p1, %r3, 3, 31, -1" + tail,
         [](uint32_t i) { return i < 29 ? 100 + 3 * (i + 3) + 1000 : 100 + 3 * i; });
  // Segments of 8: c = 0x1807.
  expect(value + "shfl.sync.down.b32 %r2|%p1, %r3, 3, 0x1807, -1" + tail,
         [](uint32_t i) { return i % 8 < 5 ? 100 + 3 * (i + 3) + 1000 : 100 + 3 * i; });
  expect(value + "shfl.sync.idx.b32 %r2|%p1, %r3, 2, 0x181f, -1" + tail,
         [](uint32_t i) { return 100 + 3 * (i / 8 * 8 + 2) + 1000; });
}

TEST(WarpInstructions, VotesAndMatches) {
  expect("setp.lt.u32 %p1, %r1, 5; vote.sync.ballot.b32 %r2, %p1, -1;", [](uint32_t) { return 31u; });
  expect("setp.lt.u32 %p1, %r1, 5; vote.sync.any.pred %p2, !%p1, -1; selp.u32 %r2, 1, 0, %p2;",
         [](uint32_t) { return 1u; });
  expect("setp.lt.u32 %p1, %r1, 5; vote.sync.all.pred %p2, %p1, -1; selp.u32 %r2, 1, 0, %p2;",
         [](uint32_t) { return 0u; });
  expect("and.b32 %r3, %r1, 3; match.any.sync.b32 %r2, %r3, -1;",
         [](uint32_t i) { return 0x11111111u << i % 4; });
  expect("mov.u32 %r3, 7; match.all.sync.b32 %r2|%p1, %r3, -1; @!%p1 mov.u32 %r2, 1;",
         [](uint32_t) { return ~0u; });
  expect("elect.sync %r2|%p1, -1; @%p1 add.u32 %r2, %r2, 50;", [](uint32_t i) { return i == 0 ? 50u : 0u; });
}

TEST(WarpInstructions, Reductions) {
  expect("redux.sync.add.u32 %r2, %r1, -1;", [](uint32_t) { return 496u; });
  expect("sub.u32 %r3, %r1, 10; redux.sync.min.s32 %r2, %r3, -1;",
         [](uint32_t) { return static_cast<uint32_t>(-10); });
  expect("redux.sync.xor.b32 %r2, %r1, -1;", [](uint32_t) { return 0u; });
  // Tiles of 8 lanes in one instruction, each with its own mask.
  expect("and.b32 %r4, %r1, 24; mov.u32 %r5, 0xff; shl.b32 %r5, %r5, %r4; redux.sync.max.u32 %r2, %r1, %r5;",
         [](uint32_t i) { return i / 8 * 8 + 7; });
}

TEST(WarpInstructions, LanesMeetFromDifferentPaths) {
  // Both sides of a branch end in one shuffle that names all: the lanes wait for one another.
  expect(
      "setp.lt.u32 %p1, %r1, 16; @%p1 bra LOW; mov.u32 %r3, 1; bra MEET; LOW: mov.u32 %r3, 2; MEET: "
      "shfl.sync.bfly.b32 %r2, %r3, 16, 31, -1;",
      [](uint32_t i) { return i < 16 ? 1u : 2u; });
}

TEST(WarpInstructions, BarriersReduce) {
  std::vector<uint32_t> got =
      run("setp.lt.u32 %p1, %r1, 50; bar.red.popc.u32 %r2, 0, %p1; setp.lt.u32 %p2, %r1, 96; "
          "bar.red.and.pred %p3, 0, %p2; @%p3 add.u32 %r2, %r2, 100;"
          "setp.eq.u32 %p2, %r1, 77; bar.red.or.pred %p3, 0, %p2; @%p3 add.u32 %r2, %r2, 1000;",
          96);
  EXPECT_EQ(got, std::vector<uint32_t>(96, 1150));
}

TEST(Atomics, EveryOperation) {
  struct Row {
    const char* op;
    uint32_t start, want;
  };
  const Row rows[] = {{"add.u32", 5, 5 + 496 + 3200},
                      {"min.s32", 500, 100},
                      {"max.u32", 5, 131},
                      {"and.b32", 0xffu, 0},
                      {"or.b32", 0, 0xff},
                      {"xor.b32", 9, 9},
                      {"inc.u32", 0, 32},
                      {"dec.u32", 40, 8}};
  for (const Row& row : rows) {
    Device device;
    uint64_t word = device.upload(std::vector<uint32_t>{row.start});
    std::string ptx =
        kernelText(".param .u64 p0", std::string(kHead) +
                                         "ld.param.u64 %rd1, [p0]; add.u32 %r3, %r1, 100; atom.global." +
                                         row.op + " %r2, [%rd1], %r3;");
    LaunchResult result = device.run(ptx, shapeOf(1, 32), {word});
    EXPECT_EQ(result.fault, Fault::none) << textOf(result);
    EXPECT_EQ(device.download<uint32_t>(word, 1)[0], row.want) << row.op;
  }
}

TEST(Atomics, FloatsAndPairsInSharedMemory) {
  std::vector<uint32_t> got =
      run("setp.eq.u32 %p1, %r1, 0; @%p1 st.shared.u32 [sum], 0; @%p1 st.shared.u32 [pair], 0; bar.warp.sync "
          "-1; mov.f32 %f1, 0f3F000000; red.shared.add.f32 [sum], %f1;"
          "mov.b32 %r5, 0x3C003C00; atom.shared.add.noftz.f16x2 %r6, [pair], %r5; bar.warp.sync -1; "
          "ld.shared.u32 %r2, [sum]; ld.shared.u32 %r7, [pair]; setp.ne.u32 %p2, %r7, 0x50005000;"
          "@%p2 mov.u32 %r2, 0;",
          32, ".shared .align 4 .b32 sum; .shared .align 4 .b32 pair;");
  EXPECT_EQ(got, std::vector<uint32_t>(32, 0x41800000));
}

TEST(Atomics, VectorsOfFloats) {
  Device device;
  uint64_t sums = device.upload(std::vector<float>{1, 2, 3, 4});
  std::string ptx = kernelText(".param .u64 p0",
                               "ld.param.u64 %rd1, [p0]; mov.f32 %f1, 0f3F800000; mov.f32 %f2, 0f40000000;"
                               "red.global.add.v4.f32 [%rd1], {%f1, %f2, %f1, %f2};");
  ptx.insert(ptx.find("ld.param"), ".reg .b64 %rd<3>; .reg .f32 %f<3>; ");
  LaunchResult result = device.run(ptx, shapeOf(2, 32), {sums});
  ASSERT_EQ(result.fault, Fault::none) << textOf(result);
  EXPECT_EQ(device.download<float>(sums, 4), (std::vector<float>{65, 130, 67, 132}));
}

TEST(WarpInstructions, LanesThatHaveExitedAreNotWaitedFor) {
  // The upper half leaves after the lower half has begun to wait for it.
  Device device;
  std::string ptx =
      kernelText(".param .u64 p0",
                 std::string(kHead) +
                     "setp.lt.u32 %p1, %r1, 16; @%p1 bra LOW; mov.u32 %r5, 0; LOOP: add.u32 %r5, %r5, 1; "
                     "setp.lt.u32 %p2, %r5, 500; @%p2 bra LOOP; exit;"
                     "LOW: bar.warp.sync -1; vote.sync.ballot.b32 %r2, 1, -1; st.global.u32 [%rd1], %r2;");
  for (uint64_t seed = 0; seed < 6; ++seed) {
    device.options.seed = seed;
    uint64_t out = device.reserve(128);
    LaunchResult result = device.run(ptx, shapeOf(1, 32), {out});
    ASSERT_EQ(result.fault, Fault::none) << textOf(result);
    EXPECT_EQ(device.download<uint32_t>(out, 1)[0], 0xffffu);
  }
}

TEST(Mbarriers, APhaseEndsWhenAllHaveArrived) {
  std::string body =
      ".reg .b64 %s<3>; .reg .b32 %x<9>; setp.eq.u32 %p1, %r1, 0; @%p1 mbarrier.init.shared.b64 [bar], 96; "
      "bar.sync 0; mov.u32 %x1, data; shl.b32 %x2, %r1, 2; add.u32 %x3, %x1, %x2;"
      "st.shared.u32 [%x3], %r1; mbarrier.arrive.shared.b64 %s1, [bar]; WAIT: mbarrier.test_wait.shared.b64 "
      "%p2, [bar], %s1; @!%p2 bra WAIT;"
      "mov.u32 %x4, 95; sub.u32 %x4, %x4, %r1; shl.b32 %x4, %x4, 2; add.u32 %x4, %x4, %x1; ld.shared.u32 "
      "%r2, [%x4];"
      "mbarrier.arrive.shared.b64 _, [bar]; WAIT2: mbarrier.try_wait.parity.shared.b64 %p2, [bar], 1; @!%p2 "
      "bra WAIT2; @%p1 mbarrier.inval.shared.b64 [bar];";
  std::vector<uint32_t> got = run(body, 96, ".shared .align 8 .b64 bar; .shared .align 4 .b8 data[384];");
  for (uint32_t i = 0; i < 96; ++i) EXPECT_EQ(got[i], 95 - i);
}

TEST(Memory, VectorsAndNarrowTypes) {
  Device device;
  std::vector<uint8_t> bytes(256);
  std::iota(bytes.begin(), bytes.end(), uint8_t{120});
  uint64_t in = device.upload(bytes), out = device.reserve(64);
  std::string ptx = kernelText(
      ".param .u64 p0, .param .u64 p1",
      ".reg .b64 %rd<4>; .reg .b32 %r<9>; .reg .b16 %h<5>; .reg .b64 %w<3>;\n ld.param.u64 %rd1, [p0]; "
      "ld.param.u64 %rd2, [p1];"
      "ld.global.s8 %r1, [%rd1+16]; st.global.u32 [%rd2], %r1; ld.global.u8 %h1, [%rd1+16]; cvt.u32.u16 %r2, "
      "%h1; st.global.u32 [%rd2+4], %r2;"
      "ld.global.nc.v4.u32 {%r3, %r4, %r5, %r6}, [%rd1+32]; st.global.v4.u32 [%rd2+16], {%r6, %r5, %r4, %r3};"
      "ld.global.v2.b64 {%w1, %w2}, [%rd1+48]; st.global.cs.v2.b64 [%rd2+32], {%w2, %w1}; ld.global.v2.u8 "
      "{%h1, %h2}, [%rd1+2]; st.global.v2.u8 [%rd2+48], {%h2, %h1};");
  LaunchResult result = device.run(ptx, shapeOf(1, 1), {in, out});
  ASSERT_EQ(result.fault, Fault::none) << textOf(result);
  std::vector<uint8_t> got = device.download<uint8_t>(out, 64);
  EXPECT_EQ(static_cast<int32_t>(got[0] | got[1] << 8 | got[2] << 16 | got[3] << 24),
            static_cast<int8_t>(136));
  EXPECT_EQ(got[4], 136);
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(got[16 + i], bytes[32 + 12 - i / 4 * 4 + i % 4]);
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(got[32 + i], bytes[48 + 8 - i / 8 * 8 + i % 8]);
  EXPECT_EQ(got[48], bytes[3]);
  EXPECT_EQ(got[49], bytes[2]);
}

TEST(Memory, InitialisersAndGenericAddresses) {
  std::string globals =
      ".global .align 4 .u32 numbers[3] = {1, -2, 3};\n.const .align 8 .f64 half = "
      "0d3FE0000000000000;\n.global .align 8 .u64 pointer[2] = {generic(numbers)+4, numbers};\n"
      ".shared .align 4 .b32 cell;\n";
  Device device;
  uint64_t out = device.reserve(32);
  std::string ptx =
      kernelText(".param .u64 p0",
                 ".reg .b64 %rd<9>; .reg .b32 %r<9>; .reg .f64 %fd<3>; .reg .pred %p<3>; .local .align 4 .b8 "
                 "stack[4];\n ld.param.u64 %rd1, [p0]; ld.global.u64 %rd2, [pointer];"
                 "ld.u32 %r1, [%rd2]; st.global.u32 [%rd1], %r1; ld.const.f64 %fd1, [half]; st.global.f64 "
                 "[%rd1+8], %fd1; mov.u64 %rd3, cell; cvta.shared.u64 %rd3, %rd3;"
                 "st.u32 [%rd3], 77; ld.shared.u32 %r2, [cell]; st.global.u32 [%rd1+4], %r2; mov.u64 %rd4, "
                 "stack; cvta.local.u64 %rd5, %rd4; st.u32 [%rd5], 88; ld.local.u32 %r3, [%rd4];"
                 "st.global.u32 [%rd1+16], %r3; isspacep.shared %p1, %rd3; isspacep.global %p2, %rd3; "
                 "selp.u32 %r4, 1, 0, %p1; @%p2 mov.u32 %r4, 9; st.global.u32 [%rd1+20], %r4;",
                 globals);
  LaunchResult result = device.run(ptx, shapeOf(1, 1), {out});
  ASSERT_EQ(result.fault, Fault::none) << textOf(result);
  std::vector<uint32_t> got = device.download<uint32_t>(out, 6);
  EXPECT_EQ(got, (std::vector<uint32_t>{static_cast<uint32_t>(-2), 77, 0, 0x3FE00000, 88, 1}));
}

}  // namespace
}  // namespace softcuda::test
