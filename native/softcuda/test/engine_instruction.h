// Runs one instruction for many operands and compares each lane with a plain definition.
#pragma once

#include <functional>
#include <random>

#include "engine_support.h"

namespace softcuda::test {

// Random bits with the edges of T among them: zeros, ones, extremes, infinities, NaNs, subnormals.
template <class T>
std::vector<T> operandsOf(size_t count, uint64_t seed) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::mt19937_64 random(seed);
  std::vector<T> values(count);
  static const uint64_t edges[] = {0,
                                   1,
                                   2,
                                   31,
                                   32,
                                   33,
                                   63,
                                   64,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x7fff,
                                   0x8000,
                                   0xffff,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x7fffffffffffffff,
                                   0x8000000000000000,
                                   0xffffffffffffffff,
                                   0x3f800000,
                                   0xbf800000,
                                   0x7f800000,
                                   0xff800000,
                                   0x7fc00000,
                                   0x00000001,
                                   0x00800000,
                                   0x007fffff,
                                   0x80000001,
                                   0x3ff0000000000000,
                                   0x7ff0000000000000,
                                   0xfff0000000000000,
                                   0x7ff8000000000000,
                                   0x4b000001,
                                   0x3f000000,
                                   0x7f7fffff,
                                   0x3c00,
                                   0x7c00,
                                   0xfc00,
                                   0x7e00,
                                   0x03ff,
                                   0x0400,
                                   0x7bff};
  for (size_t i = 0; i < count; ++i) {
    uint64_t bits = random() % 3 == 0 ? edges[random() % std::size(edges)] : random();
    // Floats of random bits are mostly far apart: half of them get an exponent near 1.
    if (sizeof(T) == 4 && random() % 2 == 0)
      bits = (bits & 0x807fffff) | (0x3f800000 + ((random() % 9) << 23) - (4 << 23));
    std::memcpy(&values[i], &bits, sizeof(T));
  }
  return values;
}

// A kernel that reads thread i's operands a, b, c (of the given PTX load types), executes `code` with them in
// %a, %b, %c and stores %d.
std::string instructionText(const std::string& dType, const std::string& aType, const std::string& bType,
                            const std::string& cType, const std::string& code);

template <class T>
uint64_t bitsOf(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

// Runs `code` for `count` threads; the results.
template <class D, class A, class B, class C>
std::vector<D> execute(const std::string& ptx, const std::vector<A>& a, const std::vector<B>& b,
                       const std::vector<C>& c) {
  Device device;
  uint64_t d = device.reserve(a.size() * sizeof(D));
  LaunchResult result = device.run(ptx, shapeOf(static_cast<uint32_t>(a.size() / 64), 64),
                                   {d, device.upload(a), device.upload(b), device.upload(c)});
  EXPECT_EQ(result.fault, Fault::none) << textOf(result);
  return device.download<D>(d, a.size());
}

template <class D, class A, class B, class C>
void compare(const std::string& code, const std::string& dType, const std::string& aType,
             const std::string& bType, const std::string& cType, const std::function<D(A, B, C)>& expected) {
  constexpr size_t count = 1024;
  std::vector<A> a = operandsOf<A>(count, 1);
  std::vector<B> b = operandsOf<B>(count, 2);
  std::vector<C> c = operandsOf<C>(count, 3);
  std::vector<D> d = execute<D>(instructionText(dType, aType, bType, cType, code), a, b, c);
  for (size_t i = 0; i < count; ++i) {
    D want = expected(a[i], b[i], c[i]);
    ASSERT_EQ(bitsOf(d[i]), bitsOf(want))
        << code << " of 0x" << std::hex << bitsOf(a[i]) << ", 0x" << bitsOf(b[i]) << ", 0x" << bitsOf(c[i]);
  }
}

}  // namespace softcuda::test
