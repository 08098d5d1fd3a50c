// Matrix instructions, with fragments packed as the PTX manual's tables say.
#include <cmath>
#include <random>

#include "engine_support.h"

namespace softcuda::test {
namespace {

const char* const kRegisters =
    ".reg .b64 %rd<9>; .reg .b32 %r<20>; .reg .f32 %f<9>; .reg .b32 %a<9>; .reg .b32 %b<9>; .reg .b32 %c<9>; "
    ".reg .b32 %d<9>; .reg .pred %p<3>;\n"
    "mov.u32 %r1, %tid.x; ld.param.u64 %rd1, [p0]; ld.param.u64 %rd2, [p1]; ld.param.u64 %rd3, [p2]; "
    "ld.param.u64 %rd4, [p3];\n";
const char* const kFour = ".param .u64 p0, .param .u64 p1, .param .u64 p2, .param .u64 p3";

uint16_t bf16(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return static_cast<uint16_t>(bits >> 16);
}

// Small integers: every sum is exact in every order.
struct Matrices {
  int m, n, k;
  std::vector<int> a, b, c;
  Matrices(int rows, int columns, int depth)
      : m(rows), n(columns), k(depth), a(rows * depth), b(depth * columns), c(rows * columns) {
    std::mt19937 random(5);
    for (std::vector<int>* each : {&a, &b, &c})
      for (int& value : *each) value = static_cast<int>(random() % 15) - 7;
  }
  int product(int i, int j) const {
    int sum = c[i * n + j];
    for (int x = 0; x < k; ++x) sum += a[i * k + x] * b[x * n + j];
    return sum;
  }
};

// The text of: load fragments by lane, multiply, store D by lane.
std::string mmaText(const std::string& opcode, int a, int b, int c) {
  std::string text = kRegisters;
  auto names = [](const char* letter, int count) {
    std::string list;
    for (int i = 0; i < count; ++i)
      list += std::string(i == 0 ? "" : ", ") + "%" + letter + std::to_string(i);
    return list;
  };
  auto load = [&](const char* letter, int count, int pointer) {
    for (int i = 0; i < count; ++i)
      text += "mad.wide.u32 %rd5, %r1, " + std::to_string(4 * count) + ", %rd" + std::to_string(pointer) +
              "; ld.global.b32 %" + letter + std::to_string(i) + ", [%rd5+" + std::to_string(4 * i) + "];\n";
  };
  load("a", a, 1), load("b", b, 2), load("c", c, 3);
  text += opcode + " {" + names("d", c) + "}, {" + names("a", a) + "}, {" + names("b", b) + "}, {" +
          names("c", c) + "};\n";
  for (int i = 0; i < c; ++i)
    text += "mad.wide.u32 %rd5, %r1, " + std::to_string(4 * c) + ", %rd4; st.global.b32 [%rd5+" +
            std::to_string(4 * i) + "], %d" + std::to_string(i) + ";\n";
  return kernelText(kFour, text);
}

TEST(MatrixInstructions, Bf16ProductOf16x8x16) {
  Matrices x(16, 8, 16);
  std::vector<uint16_t> a(32 * 8), b(32 * 4);
  std::vector<float> c(32 * 4);
  for (int lane = 0; lane < 32; ++lane) {
    int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 8; ++i) {
      int row = i < 2 || (i >= 4 && i < 6) ? g : g + 8, col = t * 2 + (i & 1) + (i < 4 ? 0 : 8);
      a[lane * 8 + i] = bf16(static_cast<float>(x.a[row * 16 + col]));
    }
    for (int i = 0; i < 4; ++i) {
      b[lane * 4 + i] = bf16(static_cast<float>(x.b[(t * 2 + (i & 1) + (i < 2 ? 0 : 8)) * 8 + g]));
      c[lane * 4 + i] = static_cast<float>(x.c[(i < 2 ? g : g + 8) * 8 + t * 2 + (i & 1)]);
    }
  }
  Device device;
  uint64_t d = device.reserve(512);
  LaunchResult result = device.run(mmaText("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 4, 2, 4),
                                   shapeOf(1, 32), {device.upload(a), device.upload(b), device.upload(c), d});
  ASSERT_EQ(result.fault, Fault::none) << textOf(result);
  std::vector<float> got = device.download<float>(d, 128);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(got[lane * 4 + i], x.product(i < 2 ? lane / 4 : lane / 4 + 8, lane % 4 * 2 + (i & 1)))
          << lane << " " << i;
  EXPECT_EQ(result.counters.mma, 1u);
  EXPECT_EQ(result.counters.mmaFlops, 2u * 16 * 8 * 16);
}

TEST(MatrixInstructions, SignedByteProductOf16x8x32) {
  Matrices x(16, 8, 32);
  std::vector<int8_t> a(32 * 16), b(32 * 8);
  std::vector<int32_t> c(32 * 4);
  for (int lane = 0; lane < 32; ++lane) {
    int g = lane / 4, t = lane % 4;
    for (int i = 0; i < 16; ++i) {
      int row = i < 4 || (i >= 8 && i < 12) ? g : g + 8, col = t * 4 + (i & 3) + (i < 8 ? 0 : 16);
      a[lane * 16 + i] = static_cast<int8_t>(x.a[row * 32 + col]);
    }
    for (int i = 0; i < 8; ++i)
      b[lane * 8 + i] = static_cast<int8_t>(x.b[(t * 4 + (i & 3) + (i < 4 ? 0 : 16)) * 8 + g]);
    for (int i = 0; i < 4; ++i) c[lane * 4 + i] = x.c[(i < 2 ? g : g + 8) * 8 + t * 2 + (i & 1)];
  }
  Device device;
  uint64_t d = device.reserve(512);
  LaunchResult result = device.run(mmaText("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", 4, 2, 4),
                                   shapeOf(1, 32), {device.upload(a), device.upload(b), device.upload(c), d});
  ASSERT_EQ(result.fault, Fault::none) << textOf(result);
  std::vector<int32_t> got = device.download<int32_t>(d, 128);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(got[lane * 4 + i], x.product(i < 2 ? lane / 4 : lane / 4 + 8, lane % 4 * 2 + (i & 1)));
}

TEST(MatrixInstructions, WmmaOfHalvesFromRowsAndColumns) {
  Matrices x(16, 16, 16);
  auto half = [](int value) {
    // |value| < 16: exponent and three bits.
    if (value == 0) return uint16_t{0};
    int e = std::ilogb(std::abs(value));
    return static_cast<uint16_t>((value < 0 ? 0x8000 : 0) | (e + 15) << 10 |
                                 ((std::abs(value) << (10 - e)) & 0x3ff));
  };
  std::vector<uint16_t> a(256), b(256);
  std::vector<float> c(256);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j)
      a[i * 16 + j] = half(x.a[i * 16 + j]), b[j * 16 + i] = half(x.b[i * 16 + j]),
                 c[i * 16 + j] = static_cast<float>(x.c[i * 16 + j]);
  std::string text =
      std::string(kRegisters) +
      "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {%a0,%a1,%a2,%a3,%a4,%a5,%a6,%a7}, [%rd1], 16;"
      "wmma.load.b.sync.aligned.col.m16n16k16.global.f16 {%b0,%b1,%b2,%b3,%b4,%b5,%b6,%b7}, [%rd2], 16;"
      "wmma.load.c.sync.aligned.row.m16n16k16.global.f32 {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, [%rd3], 16;"
      "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32 {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, "
      "{%a0,%a1,%a2,%a3,%a4,%a5,%a6,%a7}, {%b0,%b1,%b2,%b3,%b4,%b5,%b6,%b7}, "
      "{%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7};"
      "wmma.store.d.sync.aligned.col.m16n16k16.global.f32 [%rd4], {%f0,%f1,%f2,%f3,%f4,%f5,%f6,%f7}, 16;";
  Device device;
  uint64_t d = device.reserve(1024);
  LaunchResult result = device.run(kernelText(kFour, text), shapeOf(1, 32),
                                   {device.upload(a), device.upload(b), device.upload(c), d});
  ASSERT_EQ(result.fault, Fault::none) << textOf(result);
  std::vector<float> got = device.download<float>(d, 256);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) EXPECT_EQ(got[j * 16 + i], x.product(i, j)) << i << " " << j;
}

TEST(MatrixInstructions, LdmatrixPlainAndTransposed) {
  std::vector<uint16_t> in(4 * 64);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint16_t>(i * 7);
  for (bool transposed : {false, true}) {
    std::string text =
        std::string(kRegisters) +
        "mad.wide.u32 %rd5, %r1, 16, %rd1; ld.global.v4.b32 {%a0,%a1,%a2,%a3}, [%rd5]; mov.u32 %r2, tile; "
        "mad.lo.u32 %r2, %r1, 16, %r2;"
        "st.shared.v4.b32 [%r2], {%a0,%a1,%a2,%a3}; bar.sync 0; ldmatrix.sync.aligned.m8n8.x4" +
        (transposed ? ".trans" : "") +
        ".shared.b16 {%d0,%d1,%d2,%d3}, [%r2]; mad.wide.u32 %rd5, %r1, 16, %rd4; st.global.v4.b32 [%rd5], "
        "{%d0,%d1,%d2,%d3};";
    Device device;
    uint64_t d = device.reserve(512);
    LaunchResult result = device.run(kernelText(kFour, text, ".shared .align 16 .b8 tile[512];"),
                                     shapeOf(1, 32), {device.upload(in), 0, 0, d});
    ASSERT_EQ(result.fault, Fault::none) << textOf(result);
    std::vector<uint16_t> got = device.download<uint16_t>(d, 256);
    for (size_t lane = 0; lane < 32; ++lane)
      for (size_t matrix = 0; matrix < 4; ++matrix)
        for (size_t i = 0; i < 2; ++i) {
          size_t row = lane / 4, column = lane % 4 * 2 + i;
          EXPECT_EQ(got[lane * 8 + matrix * 2 + i],
                    in[matrix * 64 + (transposed ? column * 8 + row : row * 8 + column)]);
        }
    EXPECT_EQ(result.counters.sharedConflicts, 0u);
  }
}

}  // namespace
}  // namespace softcuda::test
