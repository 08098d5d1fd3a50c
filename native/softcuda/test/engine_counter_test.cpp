// Counters against values worked out by hand.
#include "engine_support.h"

namespace softcuda::test {
namespace {

const char* const kHead =
    ".reg .b64 %rd<9>; .reg .b32 %r<20>; .reg .pred %p<9>; .reg .f64 %fd<3>;\nmov.u32 %r1, %tid.x; "
    "ld.param.u64 %rd1, [p0];\n";

Counters run(const std::string& body, const std::string& globals = "", uint32_t grid = 1) {
  Device device;
  device.options.checks = static_cast<uint32_t>(Check::bounds);
  LaunchResult result = device.run(kernelText(".param .u64 p0", kHead + body, globals), shapeOf(grid, 32),
                                   {device.upload(std::vector<uint32_t>(4096, 1))});
  EXPECT_EQ(result.fault, Fault::none) << textOf(result);
  return result.counters;
}

std::string strided(int stride, const std::string& access) {
  return "mad.wide.u32 %rd2, %r1, " + std::to_string(stride) + ", %rd1; " + access;
}

void expectLoad(const std::string& body, uint64_t sectors, uint64_t ideal, uint64_t useful) {
  Counters counters = run(body);
  EXPECT_EQ(counters.globalLoad.requests, 1u) << body;
  EXPECT_EQ(counters.globalLoad.sectors, sectors) << body;
  EXPECT_EQ(counters.globalLoad.idealSectors, ideal) << body;
  EXPECT_EQ(counters.globalLoad.usefulBytes, useful) << body;
  EXPECT_EQ(counters.distinctLoadBytes, sectors * 32) << body;
}

TEST(Counters, SectorsOfGlobalLoads) {
  expectLoad(strided(4, "ld.global.u32 %r2, [%rd2];"), 4, 4, 128);
  expectLoad(strided(4, "ld.global.u32 %r2, [%rd2+4];"), 5, 4, 128);
  expectLoad(strided(32, "ld.global.u32 %r2, [%rd2];"), 32, 4, 128);
  expectLoad(strided(0, "ld.global.u32 %r2, [%rd2];"), 1, 1, 128);
  expectLoad(strided(16, "ld.global.v4.u32 {%r2,%r3,%r4,%r5}, [%rd2];"), 16, 16, 512);
  expectLoad(strided(2, "ld.global.u16 %r2, [%rd2];"), 2, 2, 64);
  expectLoad("setp.lt.u32 %p1, %r1, 8; " + strided(4, "@%p1 ld.global.u32 %r2, [%rd2];"), 1, 1, 32);
}

TEST(Counters, ReadingAgainMovesSectorsButNoDistinctBytes) {
  Counters counters = run(
      strided(4, "ld.global.u32 %r2, [%rd2]; ld.global.u32 %r2, [%rd2]; st.global.u32 [%rd2], %r2;"), "", 3);
  EXPECT_EQ(counters.globalLoad.sectors, 24u);
  EXPECT_EQ(counters.distinctLoadBytes, 128u);
  EXPECT_EQ(counters.globalStore.sectors, 12u);
  EXPECT_EQ(counters.distinctStoreBytes, 128u);
}

void expectShared(int stride, const std::string& access, uint64_t wavefronts, uint64_t conflicts) {
  Counters counters =
      run("mov.u32 %r2, tile; mad.lo.u32 %r2, %r1, " + std::to_string(stride) + ", %r2; " + access,
          ".shared .align 16 .b8 tile[8192];");
  EXPECT_EQ(counters.sharedRequests, 1u) << access;
  EXPECT_EQ(counters.sharedWavefronts, wavefronts) << access << " stride " << stride;
  EXPECT_EQ(counters.sharedConflicts, conflicts) << access << " stride " << stride;
}

TEST(Counters, WavefrontsOfSharedMemory) {
  expectShared(4, "ld.shared.u32 %r3, [%r2];", 1, 0);
  expectShared(0, "ld.shared.u32 %r3, [%r2];", 1, 0);
  expectShared(8, "ld.shared.u32 %r3, [%r2];", 2, 1);
  expectShared(128, "ld.shared.u32 %r3, [%r2];", 32, 31);
  expectShared(132, "ld.shared.u32 %r3, [%r2];", 1, 0);
  expectShared(1, "ld.shared.u8 %r3, [%r2];", 1, 0);
  expectShared(8, "ld.shared.v2.u32 {%r3,%r4}, [%r2];", 2, 0);
  expectShared(16, "ld.shared.v4.u32 {%r3,%r4,%r5,%r6}, [%r2];", 4, 0);
  expectShared(32, "st.shared.v4.u32 [%r2], {%r1,%r1,%r1,%r1};", 8, 4);
}

TEST(Counters, ClassesBranchesAndBarriers) {
  Counters counters =
      run("setp.lt.u32 %p1, %r1, 7; @%p1 bra A; add.u32 %r3, %r1, 1; A: bar.sync 0; fma.rn.f64 %fd1, %fd1, "
          "%fd1, %fd1;",
          ".const .b32 unused;");
  EXPECT_EQ(counters.divergentBranches, 1u);
  EXPECT_EQ(counters.barriers, 1u);
  EXPECT_EQ(counters.warps, 1u);
  EXPECT_EQ(counters.byClass.at("fp64"), 32u);
  EXPECT_EQ(counters.byClass.at("int"), 25u + 32u);
  EXPECT_NE(counters.json().find("\"divergentBranches\":1"), std::string::npos);
}

TEST(Counters, DoNotDependOnTheSchedule) {
  std::string first;
  for (uint64_t seed = 0; seed < 5; ++seed) {
    Device device;
    device.options.seed = seed;
    device.options.threads = 1 + static_cast<int>(seed % 2);
    std::string body =
        std::string(kHead) +
        "mov.u32 %r2, %ctaid.x; mad.lo.u32 %r3, %r2, 64, %r1; mad.wide.u32 %rd2, %r3, 4, %rd1; ld.global.u32 "
        "%r4, [%rd2]; bar.sync 0; add.u32 %r4, %r4, %r3; st.global.u32 [%rd2], %r4;";
    LaunchResult result = device.run(kernelText(".param .u64 p0", body), shapeOf(64, 64),
                                     {device.upload(std::vector<uint32_t>(4096, 1))});
    EXPECT_EQ(result.fault, Fault::none) << textOf(result);
    if (seed == 0) first = result.counters.json();
    EXPECT_EQ(result.counters.json(), first);
  }
}

}  // namespace
}  // namespace softcuda::test
