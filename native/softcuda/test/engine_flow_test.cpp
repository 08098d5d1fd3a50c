// Control flow: lanes that part must each do what they would alone, and meet again.
#include <algorithm>
#include <functional>
#include <random>

#include "engine_support.h"

namespace softcuda::test {
namespace {

const char* const kHead =
    ".reg .b64 %rd<9>; .reg .b32 %r<20>; .reg .pred %p<9>;\n"
    "mov.u32 %r1, %tid.x; ld.param.u64 %rd1, [p0]; mul.wide.u32 %rd2, %r1, 4; add.u64 %rd1, %rd1, %rd2; "
    "mov.u32 %r2, 0;\n";
const char* const kTail = "\nst.global.u32 [%rd1], %r2;";

std::vector<uint32_t> run(const std::string& body, const std::string& globals = "", uint64_t seed = 0,
                          uint32_t threads = 96) {
  Device device;
  device.options.seed = seed;
  uint64_t out = device.reserve(threads * 4);
  LaunchResult result =
      device.run(kernelText(".param .u64 p0", kHead + body + kTail, globals), shapeOf(1, threads), {out});
  EXPECT_EQ(result.fault, Fault::none) << textOf(result);
  return device.download<uint32_t>(out, threads);
}

TEST(ControlFlow, NestedBranchesMeetAgain) {
  std::string body =
      "and.b32 %r3, %r1, 1; setp.eq.u32 %p1, %r3, 0; @%p1 bra EVEN;"
      "and.b32 %r3, %r1, 2; setp.eq.u32 %p2, %r3, 0; @%p2 bra ODD0; add.u32 %r2, %r2, 300; bra ODDEND; ODD0: "
      "add.u32 %r2, %r2, 100; ODDEND: add.u32 %r2, %r2, 5; bra MEET;"
      "EVEN: add.u32 %r2, %r2, 7; MEET: activemask.b32 %r4; setp.eq.u32 %p3, %r4, 0xffffffff; @%p3 add.u32 "
      "%r2, %r2, 1000;";
  std::vector<uint32_t> got = run(body);
  for (uint32_t i = 0; i < 96; ++i)
    EXPECT_EQ(got[i], 1000 + ((i & 1) == 0 ? 7 : (i & 2) == 0 ? 105 : 305)) << i;
}

TEST(ControlFlow, LoopsWithBreaksAndContinues) {
  // sum of k < tid, without multiples of 3, until the sum passes 100
  std::string body =
      "mov.u32 %r3, 0; LOOP: setp.ge.u32 %p1, %r3, %r1; @%p1 bra OUT; rem.u32 %r4, %r3, 3; setp.eq.u32 %p2, "
      "%r4, 0; @%p2 bra NEXT;"
      "add.u32 %r2, %r2, %r3; setp.gt.u32 %p3, %r2, 100; @%p3 bra OUT; NEXT: add.u32 %r3, %r3, 1; bra LOOP; "
      "OUT: activemask.b32 %r5; popc.b32 %r5, %r5; mad.lo.u32 %r2, %r5, 1000, %r2;";
  std::vector<uint32_t> got = run(body);
  for (uint32_t i = 0; i < 96; ++i) {
    uint32_t sum = 0;
    for (uint32_t k = 0; k < i && sum <= 100; ++k) sum += k % 3 != 0 ? k : 0;
    EXPECT_EQ(got[i], sum + 32000) << i;
  }
}

TEST(ControlFlow, EarlyExitsLeaveTheOthers) {
  std::string body =
      "setp.lt.u32 %p1, %r1, 10; mov.u32 %r2, 5; st.global.u32 [%rd1], %r2; @%p1 exit; activemask.b32 %r3; "
      "popc.b32 %r2, %r3;";
  std::vector<uint32_t> got = run(body);
  for (uint32_t i = 0; i < 96; ++i) EXPECT_EQ(got[i], i < 10 ? 5 : i < 32 ? 22 : 32) << i;
}

TEST(ControlFlow, SwitchTables) {
  std::string body =
      "and.b32 %r3, %r1, 3; TABLE: .branchtargets A, B, C, A; brx.idx %r3, TABLE; A: mov.u32 %r2, 10; bra "
      "END; B: mov.u32 %r2, 20; bra END; C: mov.u32 %r2, 30;"
      "END: activemask.b32 %r4; popc.b32 %r4, %r4; add.u32 %r2, %r2, %r4;";
  std::vector<uint32_t> got = run(body);
  const uint32_t values[] = {10, 20, 30, 10};
  for (uint32_t i = 0; i < 96; ++i) EXPECT_EQ(got[i], values[i & 3] + 32) << i;
}

const char* const kFunctions =
    ".func (.param .b32 result) twice(.param .b32 x) { .reg .b32 %r<3>; ld.param.b32 %r1, [x]; add.u32 %r1, "
    "%r1, %r1; st.param.b32 [result], %r1; ret; }\n"
    // The sum of 1..n, by recursion.
    ".func (.param .b32 result) sum(.param .b32 n) { .reg .b32 %r<5>; .reg .pred %p; ld.param.b32 %r1, [n]; "
    "mov.u32 %r2, 0; setp.eq.u32 %p, %r1, 0; @%p bra END;"
    "sub.u32 %r3, %r1, 1; { .param .b32 a; st.param.b32 [a], %r3; .param .b32 r; call.uni (r), sum, (a); "
    "ld.param.b32 %r2, [r]; } add.u32 %r2, %r2, %r1;"
    "END: st.param.b32 [result], %r2; ret; }\n";

TEST(ControlFlow, DivergentRecursion) {
  std::string body =
      "rem.u32 %r3, %r1, 11; { .param .b32 a; st.param.b32 [a], %r3; .param .b32 r; call.uni (r), sum, (a); "
      "ld.param.b32 %r2, [r]; }";
  std::vector<uint32_t> got = run(body, kFunctions);
  for (uint32_t i = 0; i < 96; ++i) EXPECT_EQ(got[i], (i % 11) * (i % 11 + 1) / 2) << i;
}

TEST(ControlFlow, IndirectCallsOfDifferentFunctions) {
  std::string body =
      "and.b32 %r3, %r1, 1; setp.eq.u32 %p1, %r3, 0; mov.u64 %rd3, twice; mov.u64 %rd4, sum; selp.b64 %rd3, "
      "%rd3, %rd4, %p1;"
      "{ .param .b32 a; st.param.b32 [a], %r1; .param .b32 r; proto: .callprototype (.param .b32 _) _ "
      "(.param .b32 _); call (r), %rd3, (a), proto; ld.param.b32 %r2, [r]; }"
      "activemask.b32 %r4; popc.b32 %r4, %r4; mad.lo.u32 %r2, %r4, 100000, %r2;";
  std::vector<uint32_t> got = run(body, kFunctions, 3);
  for (uint32_t i = 0; i < 96; ++i)
    EXPECT_EQ(got[i], 3200000 + ((i & 1) == 0 ? 2 * i : i * (i + 1) / 2)) << i;
}

TEST(ControlFlow, LabelsAndRegistersBelongToTheirBraces) {
  std::string loop =
      "{ .reg .b32 %r<3>; .reg .pred P; mov.u32 %r1, 0; AGAIN: add.u32 %r1, %r1, 1; setp.lt.u32 P, %r1, 5; "
      "@P bra AGAIN; }\n";
  std::vector<uint32_t> got = run(loop + loop + "mov.u32 %r2, %r1;");
  for (uint32_t i = 0; i < 96; ++i) EXPECT_EQ(got[i], i);
}

TEST(ControlFlow, LanesOfAWarpMayWaitForOneAnother) {
  // Each lane takes a lock in turn: those that spin must not keep the holder from its release.
  std::string body =
      "ld.param.u64 %rd3, [p0]; SPIN: atom.shared.cas.b32 %r3, [lock], 0, 1; setp.ne.u32 %p1, %r3, 0; @%p1 "
      "bra SPIN;"
      "ld.volatile.shared.u32 %r4, [count]; add.u32 %r4, %r4, 1; st.volatile.shared.u32 [count], %r4; "
      "membar.cta; atom.shared.exch.b32 %r5, [lock], 0; mov.u32 %r2, %r4;";
  Device device;
  device.options.checks = 1;
  uint64_t out = device.reserve(96 * 4);
  std::string zero =
      "setp.eq.u32 %p2, %r1, 0; @%p2 st.shared.u32 [lock], 0; @%p2 st.shared.u32 [count], 0; bar.sync 0;";
  LaunchResult result = device.run(kernelText(".param .u64 p0", kHead + zero + body + kTail,
                                              ".shared .align 4 .b32 lock; .shared .align 4 .b32 count;"),
                                   shapeOf(1, 96), {out});
  ASSERT_EQ(result.fault, Fault::none) << textOf(result);
  std::vector<uint32_t> got = device.download<uint32_t>(out, 96);
  std::sort(got.begin(), got.end());
  for (uint32_t i = 0; i < 96; ++i) EXPECT_EQ(got[i], i + 1);
}

TEST(ControlFlow, ACtaMayWaitForALowerOne) {
  // Each CTA waits until the one before it has set its flag.
  std::string body =
      "mov.u32 %r3, %ctaid.x; ld.param.u64 %rd3, [p0]; mul.wide.u32 %rd4, %r3, 4; add.u64 %rd5, %rd3, %rd4; "
      "setp.eq.u32 %p1, %r3, 0; @%p1 bra GO;"
      "WAIT: ld.acquire.gpu.global.u32 %r4, [%rd5+-4]; setp.eq.u32 %p2, %r4, 0; @%p2 bra WAIT; GO: "
      "st.release.gpu.global.u32 [%rd5], 1;";
  Device device;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    device.options.seed = seed;
    uint64_t flags = device.upload(std::vector<uint32_t>(300, 0));
    LaunchResult result = device.run(kernelText(".param .u64 p0", kHead + body), shapeOf(300, 1), {flags});
    ASSERT_EQ(result.fault, Fault::none) << textOf(result);
    EXPECT_EQ(device.download<uint32_t>(flags, 300), std::vector<uint32_t>(300, 1));
  }
}

// A random program of nested branches and loops over a register, and what one thread makes of it.
class RandomProgram {
 public:
  explicit RandomProgram(uint64_t seed) : random_(seed) { text_ = block(3); }
  const std::string& text() const { return text_; }
  uint32_t value(uint32_t tid) const {
    uint32_t x = 0;
    for (const auto& step : steps_) step(tid, &x);
    return x;
  }

 private:
  using Step = std::function<void(uint32_t, uint32_t*)>;
  std::string block(int depth) {
    std::string text;
    int count = 1 + static_cast<int>(random_() % 3);
    for (int i = 0; i < count; ++i) text += statement(depth);
    return text;
  }
  std::string label() { return "L" + std::to_string(labels_++); }
  std::string statement(int depth) {
    uint32_t k = static_cast<uint32_t>(random_() % 1000), bit = static_cast<uint32_t>(random_() % 5);
    int kind = depth == 0 ? 0 : static_cast<int>(random_() % 3);
    if (kind == 0) {
      steps_.push_back([k](uint32_t tid, uint32_t* x) { *x = *x * 31 + k + tid; });
      return "mad.lo.u32 %r2, %r2, 31, " + std::to_string(k) + "; add.u32 %r2, %r2, %r1;\n";
    }
    std::string first = label(), second = label();
    if (kind == 1) {
      // if ((tid ^ x) >> bit & 1) … else …
      std::vector<Step> outer = std::move(steps_);
      steps_.clear();
      std::string yes = block(depth - 1);
      std::vector<Step> yesSteps = std::move(steps_);
      steps_.clear();
      std::string no = block(depth - 1);
      std::vector<Step> noSteps = std::move(steps_);
      steps_ = std::move(outer);
      steps_.push_back([=](uint32_t tid, uint32_t* x) {
        for (const Step& step : ((tid ^ *x) >> bit & 1) != 0 ? yesSteps : noSteps) step(tid, x);
      });
      return "xor.b32 %r3, %r1, %r2; shr.u32 %r3, %r3, " + std::to_string(bit) +
             "; and.b32 %r3, %r3, 1; setp.eq.u32 %p1, %r3, 0; @%p1 bra " + first + ";\n" + yes + "bra " +
             second + ";\n" + first + ":\n" + no + second + ":\n";
    }
    // for (i = 0; i < (tid >> bit & 3); ++i) …
    std::string counter = "%r" + std::to_string(4 + depth);
    std::vector<Step> outer = std::move(steps_);
    steps_.clear();
    std::string body = block(depth - 1);
    std::vector<Step> bodySteps = std::move(steps_);
    steps_ = std::move(outer);
    steps_.push_back([=](uint32_t tid, uint32_t* x) {
      for (uint32_t i = 0; i < (tid >> bit & 3); ++i)
        for (const Step& step : bodySteps) step(tid, x);
    });
    return "mov.u32 " + counter + ", 0;\n" + first + ": shr.u32 %r3, %r1, " + std::to_string(bit) +
           "; and.b32 %r3, %r3, 3; setp.ge.u32 %p1, " + counter + ", %r3; @%p1 bra " + second + ";\n" + body +
           "add.u32 " + counter + ", " + counter + ", 1; bra " + first + ";\n" + second + ":\n";
  }

  std::mt19937_64 random_;
  int labels_ = 0;
  std::vector<Step> steps_;
  std::string text_;
};

TEST(ControlFlow, RandomProgramsDoForEachLaneWhatTheyDoAlone) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    RandomProgram program(seed);
    std::vector<uint32_t> got =
        run(program.text() + "activemask.b32 %r3; setp.ne.u32 %p1, %r3, 0xffffffff; @%p1 mov.u32 %r2, 0;", "",
            seed);
    for (uint32_t i = 0; i < 96; ++i)
      ASSERT_EQ(got[i], program.value(i)) << "seed " << seed << " thread " << i << "\n" << program.text();
  }
}

}  // namespace
}  // namespace softcuda::test
