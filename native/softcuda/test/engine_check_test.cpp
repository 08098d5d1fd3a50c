// Deliberately broken kernels, one for each checker, and their fixed twins.
#include "engine_support.h"

namespace softcuda::test {
namespace {

const char* const kRegisters = ".reg .b64 %rd<9>; .reg .b32 %r<20>; .reg .pred %p<9>; .reg .f32 %f<9>;\n";
const char* const kOne = ".param .u64 p0";
const char* const kTwo = ".param .u64 p0, .param .u64 p1";

std::string kernel(const std::string& parameters, const std::string& body, const std::string& globals = "") {
  return kernelText(parameters, kRegisters + body, globals);
}

// Thread i of the grid in %r1, tid in %r2.
const char* const kIndex =
    "mov.u32 %r2, %tid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %ctaid.x; mad.lo.u32 %r1, %r4, %r3, %r2;\n";

void expectClean(const LaunchResult& result) { EXPECT_EQ(result.fault, Fault::none) << textOf(result); }

void expectFinding(const LaunchResult& result, Check check, Fault fault, const std::string& text) {
  EXPECT_EQ(result.fault, fault) << textOf(result);
  ASSERT_TRUE(found(result, check)) << textOf(result);
  EXPECT_NE(textOf(result).find(text), std::string::npos) << textOf(result);
}

TEST(Checkers, BoundsOfGlobalMemory) {
  std::string ptx = kernel(kOne, std::string(kIndex) +
                                     "ld.param.u64 %rd1, [p0]; mul.wide.u32 %rd2, %r1, 4; add.u64 %rd3, "
                                     "%rd1, %rd2;\n st.global.u32 [%rd3], %r1;");
  Device device;
  uint64_t exact = device.reserve(64 * 4, "exact"), small = device.reserve(63 * 4, "small");
  expectClean(device.run(ptx, shapeOf(2, 32), {exact}));
  LaunchResult result = device.run(ptx, shapeOf(2, 32), {small});
  expectFinding(result, Check::bounds, Fault::illegalAddress,
                "write of 4 bytes in global memory 0 bytes behind the end of small (252 bytes");
  EXPECT_EQ(result.findings[0].address, small + 252);
  EXPECT_EQ(result.findings[0].thread[0], 31u);
  EXPECT_EQ(result.findings[0].cta[0], 1u);
  EXPECT_EQ(result.findings[0].kernel, "k");
  EXPECT_GT(result.findings[0].ptxLine, 0u);
}

TEST(Checkers, UseAfterFreeAndHostPointers) {
  std::string ptx =
      kernel(kOne, "ld.param.u64 %rd1, [p0]; ld.global.u32 %r1, [%rd1]; st.global.u32 [%rd1], %r1;");
  Device device;
  uint64_t freed = device.upload(std::vector<int>(4, 1), "freed");
  expectClean(device.run(ptx, shapeOf(1, 1), {freed}));
  device.memory.release(freed);
  expectFinding(device.run(ptx, shapeOf(1, 1), {freed}), Check::bounds, Fault::illegalAddress,
                "in freed memory");
  int host = 1;
  expectFinding(device.run(ptx, shapeOf(1, 1), {reinterpret_cast<uint64_t>(&host)}), Check::bounds,
                Fault::illegalAddress, "a host pointer?");
  expectFinding(device.run(ptx, shapeOf(1, 1), {0}), Check::bounds, Fault::illegalAddress, "a null pointer");
}

TEST(Checkers, Alignment) {
  std::string ptx = kernel(
      kOne,
      "ld.param.u64 %rd1, [p0]; ld.global.v2.u32 {%r1, %r2}, [%rd1]; st.global.v2.u32 [%rd1], {%r2, %r1};");
  Device device;
  uint64_t array = device.upload(std::vector<int>(8, 1));
  expectClean(device.run(ptx, shapeOf(1, 1), {array + 8}));
  expectFinding(device.run(ptx, shapeOf(1, 1), {array + 4}), Check::bounds, Fault::misalignedAddress,
                "is not aligned to 8 bytes");
}

TEST(Checkers, BoundsOfSharedAndLocalMemory) {
  auto shared = [](int offset) {
    return kernel(kOne, "mov.u32 %r1, buffer; st.shared.u32 [%r1+" + std::to_string(offset) + "], %r1;",
                  ".shared .align 4 .b8 buffer[64];");
  };
  Device device;
  uint64_t array = device.reserve(4);
  expectClean(device.run(shared(60), shapeOf(1, 1), {array}));
  expectFinding(device.run(shared(64), shapeOf(1, 1), {array}), Check::bounds, Fault::illegalAddress,
                "in shared memory at 64 of 64 bytes");
  auto local = [](int offset) {
    return kernel(kOne, ".local .align 8 .b8 stack[16]; mov.u64 %rd1, stack; st.local.u64 [%rd1+" +
                            std::to_string(offset) + "], %rd1;");
  };
  expectClean(device.run(local(8), shapeOf(1, 1), {array}));
  expectFinding(device.run(local(16), shapeOf(1, 1), {array}), Check::bounds, Fault::illegalAddress,
                "in local memory at 16 of 16 bytes");
}

TEST(Checkers, UninitializedGlobalMemory) {
  std::string ptx =
      kernel(kTwo, std::string(kIndex) +
                       "ld.param.u64 %rd1, [p0]; ld.param.u64 %rd4, [p1]; mul.wide.u32 %rd2, %r1, 4; add.u64 "
                       "%rd3, %rd1, %rd2;"
                       "add.u64 %rd5, %rd4, %rd2;\n ld.global.u32 %r5, [%rd3]; st.global.u32 [%rd5], %r5;");
  Device device;
  uint64_t in = device.reserve(32 * 4, "in"), out = device.reserve(32 * 4, "out");
  device.memory.markInitialized(in, 31 * 4);
  expectFinding(device.run(ptx, shapeOf(1, 32), {in, out}), Check::uninitialized, Fault::trap,
                "that nothing has written, 124 bytes into in of 128 bytes");
  device.memory.markInitialized(in, 32 * 4);
  expectClean(device.run(ptx, shapeOf(1, 32), {in, out}));
  EXPECT_TRUE(device.memory.initialized(out, 128, nullptr));
}

TEST(Checkers, UninitializedSharedAndLocalMemory) {
  auto text = [](const std::string& write) {
    return kernel(kOne,
                  ".local .align 4 .b8 stack[8]; mov.u64 %rd2, stack; " + write +
                      " ld.shared.u32 %r1, [buffer]; ld.local.u32 %r2, [%rd2];"
                      "ld.param.u64 %rd1, [p0]; add.u32 %r1, %r1, %r2; st.global.u32 [%rd1], %r1;",
                  ".shared .align 4 .b8 buffer[8];");
  };
  Device device;
  uint64_t out = device.reserve(4);
  expectClean(device.run(text("st.shared.u32 [buffer], 1; st.local.u32 [%rd2], 1;"), shapeOf(1, 1), {out}));
  expectFinding(device.run(text("st.local.u32 [%rd2], 1;"), shapeOf(1, 1), {out}), Check::uninitialized,
                Fault::trap, "in shared memory that nothing has written");
  expectFinding(device.run(text("st.shared.u32 [buffer], 1;"), shapeOf(1, 1), {out}), Check::uninitialized,
                Fault::trap, "in local memory that nothing has written");
}

// Each thread reads its neighbour's word of shared memory.
std::string exchange(const std::string& between) {
  return kernel(
      kOne,
      std::string(kIndex) +
          "mov.u32 %r5, buffer; shl.b32 %r6, %r2, 2; add.u32 %r7, %r5, %r6; st.shared.u32 [%r7], %r2;\n" +
          between +
          "\nxor.b32 %r8, %r2, %r9; shl.b32 %r6, %r8, 2; add.u32 %r7, %r5, %r6; ld.shared.u32 %r8, [%r7];"
          "ld.param.u64 %rd1, [p0]; mul.wide.u32 %rd2, %r2, 4; add.u64 %rd3, %rd1, %rd2; st.global.u32 "
          "[%rd3], %r8;",
      ".shared .align 4 .b8 buffer[512];");
}

TEST(Checkers, SharedRaceBetweenWarps) {
  Device device;
  uint64_t out = device.reserve(128 * 4);
  for (uint64_t seed = 0; seed < 8; ++seed) {
    device.options.seed = seed;
    expectClean(device.run(exchange("mov.u32 %r9, 64; bar.sync 0;"), shapeOf(1, 128), {out}));
    LaunchResult broken = device.run(exchange("mov.u32 %r9, 64;"), shapeOf(1, 128), {out});
    EXPECT_TRUE(found(broken, Check::sharedRace) || found(broken, Check::uninitialized))
        << "seed " << seed << textOf(broken);
  }
}

TEST(Checkers, SharedRaceWithinAWarp) {
  Device device;
  uint64_t out = device.reserve(32 * 4);
  expectClean(device.run(exchange("mov.u32 %r9, 1; bar.warp.sync 0xffffffff;"), shapeOf(1, 32), {out}));
  expectFinding(device.run(exchange("mov.u32 %r9, 1;"), shapeOf(1, 32), {out}), Check::sharedRace,
                Fault::trap, "of the same warp without __syncwarp");
}

TEST(Checkers, NamedBarriersOrderThoseWhoMeet) {
  // Warps 0 and 1 meet at barrier 1, warps 2 and 3 at barrier 2.
  std::string meet = "mov.u32 %r9, 32; shr.u32 %r10, %r2, 6; add.u32 %r10, %r10, 1; bar.sync %r10, 64;";
  std::string wrong = "mov.u32 %r9, 64; shr.u32 %r10, %r2, 6; add.u32 %r10, %r10, 1; bar.sync %r10, 64;";
  Device device;
  uint64_t out = device.reserve(128 * 4);
  expectClean(device.run(exchange(meet), shapeOf(1, 128), {out}));
  LaunchResult broken = device.run(exchange(wrong), shapeOf(1, 128), {out});
  EXPECT_TRUE(found(broken, Check::sharedRace) || found(broken, Check::uninitialized)) << textOf(broken);
}

// Every CTA writes its part; the last to take a ticket adds all parts up.
std::string lastBlock(const std::string& fence) {
  return kernel(
      kTwo,
      std::string(kIndex) +
          "ld.param.u64 %rd1, [p0]; ld.param.u64 %rd2, [p1]; mul.wide.u32 %rd3, %r4, 4; add.u64 %rd4, %rd1, "
          "%rd3;"
          "add.u32 %r5, %r4, 1; st.global.u32 [%rd4], %r5;\n" +
          fence +
          "\natom.global.inc.u32 %r6, [%rd2], 7; setp.ne.u32 %p1, %r6, 7; @%p1 bra DONE;"
          "mov.u32 %r7, 0; mov.u32 %r8, 0; mov.u64 %rd5, %rd1; LOOP: ld.global.u32 %r9, [%rd5]; add.u32 %r7, "
          "%r7, %r9; add.u64 %rd5, %rd5, 4;"
          "add.u32 %r8, %r8, 1; setp.lt.u32 %p2, %r8, 8; @%p2 bra LOOP; st.global.u32 [%rd2+4], %r7; DONE:");
}

TEST(Checkers, GlobalRaceBetweenCtas) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    Device device;
    device.options.seed = seed;
    uint64_t parts = device.reserve(32, "parts"),
             ticket = device.upload(std::vector<uint32_t>{0, 0}, "ticket");
    LaunchResult clean = device.run(lastBlock("membar.gl;"), shapeOf(8, 1), {parts, ticket});
    expectClean(clean);
    EXPECT_EQ(device.download<uint32_t>(ticket, 2)[1], 36u);
    expectFinding(device.run(lastBlock(""), shapeOf(8, 1), {parts, ticket}), Check::globalRace, Fault::trap,
                  "race in global memory");
  }
  std::string same =
      kernel(kOne, std::string(kIndex) + "ld.param.u64 %rd1, [p0]; st.global.u32 [%rd1], %r1;");
  Device device;
  uint64_t word = device.upload(std::vector<uint32_t>{99});
  expectFinding(device.run(same, shapeOf(2, 1), {word}), Check::globalRace, Fault::trap,
                "this write and the write by CTA");
  std::string atomic =
      kernel(kOne, std::string(kIndex) + "ld.param.u64 %rd1, [p0]; red.global.add.u32 [%rd1], %r1;");
  expectClean(device.run(atomic, shapeOf(2, 1), {word}));
}

TEST(Checkers, AWriteOfAnyEarlierLaunchIsNoRace) {
  std::string ptx =
      kernel(kTwo, std::string(kIndex) +
                       "ld.param.u64 %rd1, [p0]; ld.param.u32 %r3, [p1]; setp.eq.u32 %p1, %r1, %r3;"
                       "@%p1 st.global.u32 [%rd1], %r1;");
  Device device;
  uint64_t word = device.upload(std::vector<uint32_t>{0});
  expectClean(device.run(ptx, shapeOf(4, 1), {word, 1}));
  // The shadow numbers launches modulo 1,024.
  for (int i = 0; i < 1023; ++i) expectClean(device.run(ptx, shapeOf(4, 1), {word, 9}));
  expectClean(device.run(ptx, shapeOf(4, 1), {word, 2}));
}

TEST(Checkers, BarrierDivergence) {
  auto text = [](const std::string& limit) {
    return kernel(kOne,
                  std::string(kIndex) + "setp.ge.u32 %p1, %r2, " + limit +
                      "; @%p1 bra SKIP; bar.sync 0; SKIP: ld.param.u64 %rd1, [p0]; mul.wide.u32 %rd2, %r2, 4;"
                      "add.u64 %rd1, %rd1, %rd2; st.global.u32 [%rd1], %r2;");
  };
  Device device;
  uint64_t out = device.reserve(256);
  expectClean(device.run(text("64"), shapeOf(1, 64), {out}));
  expectFinding(device.run(text("16"), shapeOf(1, 64), {out}), Check::barrier, Fault::trap,
                "does not reach the barrier that others of its warp wait at");
}

TEST(Checkers, AnEarlyExitIsNoBarrierDivergence) {
  std::string ptx = kernel(kOne, std::string(kIndex) +
                                     "setp.ge.u32 %p1, %r2, 40; @%p1 bra END; bar.sync 0; ld.param.u64 %rd1, "
                                     "[p0]; mul.wide.u32 %rd2, %r2, 4;"
                                     "add.u64 %rd1, %rd1, %rd2; st.global.u32 [%rd1], %r2; END:");
  Device device;
  expectClean(device.run(ptx, shapeOf(1, 64), {device.reserve(256)}));
}

TEST(Checkers, MasksThatNameAbsentLanes) {
  auto text = [](const std::string& mask) {
    return kernel(
        kOne,
        std::string(kIndex) +
            "mov.u32 %r6, 0; setp.ge.u32 %p1, %r2, 16; @%p1 bra SKIP; shfl.sync.down.b32 %r6, %r2, 1, 31, " +
            mask +
            "; SKIP: ld.param.u64 %rd1, [p0]; mul.wide.u32 %rd2, %r2, 4; add.u64 %rd1, %rd1, %rd2; "
            "st.global.u32 [%rd1], %r6;");
  };
  Device device;
  uint64_t out = device.reserve(128);
  expectFinding(device.run(text("0xffffffff"), shapeOf(1, 32), {out}), Check::barrier, Fault::trap,
                "the mask names the lane, but it does not take part");
  std::string vote = kernel(kOne, std::string(kIndex) +
                                      "setp.ge.u32 %p1, %r2, 16; @%p1 bra SKIP; vote.sync.ballot.b32 %r6, 1, "
                                      "0xffff; ld.param.u64 %rd1, [p0]; st.global.u32 [%rd1], %r6; SKIP:");
  expectClean(device.run(vote, shapeOf(1, 32), {out}));
  EXPECT_EQ(device.download<uint32_t>(out, 1)[0], 0xffffu);
}

TEST(Checkers, ACopyIsThereOnlyAfterItsWait) {
  auto text = [](const std::string& wait) {
    return kernel(kTwo,
                  "ld.param.u64 %rd1, [p0]; ld.param.u64 %rd2, [p1]; mov.u32 %r1, buffer; "
                  "cp.async.ca.shared.global [%r1], [%rd1], 16; cp.async.commit_group;\n" +
                      wait + "\nld.shared.u32 %r2, [%r1+4]; st.global.u32 [%rd2], %r2;",
                  ".shared .align 16 .b8 buffer[16];");
  };
  Device device;
  uint64_t in = device.upload(std::vector<uint32_t>{1, 2, 3, 4}), out = device.reserve(4);
  expectClean(device.run(text("cp.async.wait_group 0;"), shapeOf(1, 1), {in, out}));
  EXPECT_EQ(device.download<uint32_t>(out, 1)[0], 2u);
  expectFinding(device.run(text("cp.async.wait_group 1;"), shapeOf(1, 1), {in, out}), Check::uninitialized,
                Fault::trap, "cp.async has not delivered yet");
  EXPECT_EQ(device.download<uint32_t>(out, 1)[0], 0xCDCDCDCDu);
}

TEST(Checkers, TheInstructionBudgetEndsAnEndlessLoop) {
  Device device;
  device.options.instructionBudget = 100'000;
  LaunchResult result = device.run(kernel(kOne, "LOOP: bra LOOP;"), shapeOf(1, 32), {0});
  EXPECT_EQ(result.fault, Fault::timeout) << textOf(result);
}

TEST(Checkers, UnknownInstructionsFailTheLoadByNameAndLine) {
  Device device;
  auto errorOf = [&](const std::string& body) {
    try {
      device.run(kernel(kOne, "\n" + body), shapeOf(1, 1), {0});
    } catch (const PtxError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(errorOf("frobnicate.f32 %f1, %f2;"), "PTX line 9: opcode 'frobnicate.f32' is not supported");
  EXPECT_EQ(errorOf("bar.sync.odd 0;"), "PTX line 9: modifier .odd of 'bar.sync.odd' is not supported");
  EXPECT_EQ(errorOf("add.u32 %r1, %r2;"), "PTX line 9: 'add.u32' has 2 operands, 3 are right");
  EXPECT_EQ(errorOf("mov.u32 %r1, nowhere;"), "PTX line 9: unknown name 'nowhere'");
}

}  // namespace
}  // namespace softcuda::test
