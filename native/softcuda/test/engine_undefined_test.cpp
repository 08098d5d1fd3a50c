// Values read from shared and local memory that nothing has written: to discard one is right, to use one is
// not.
#include "engine_support.h"

namespace softcuda::test {
namespace {

// `body` finds in %r1 a value of shared memory that nothing has written, in %r2 a written one, in %r3 the
// lane, in %rd1 a word of global memory for this lane.
std::string kernel(const std::string& body, const std::string& globals = "") {
  return kernelText(
      ".param .u64 p0",
      ".reg .b64 %rd<9>; .reg .b32 %r<30>; .reg .b16 %h<9>; .reg .pred %p<9>; .reg .f32 %f<20>;\n"
      ".local .align 8 .b8 stack[16];\n"
      "mov.u32 %r3, %laneid; ld.param.u64 %rd1, [p0]; mul.wide.u32 %rd2, %r3, 4; add.u64 %rd1, %rd1, %rd2;\n"
      "mov.u32 %r28, buffer; shl.b32 %r29, %r3, 2; add.u32 %r28, %r28, %r29; st.shared.u32 [%r28], %r3;\n"
      "ld.shared.u32 %r2, [%r28];\nld.shared.u32 %r1, [%r28+128];\n" +
          body,
      ".shared .align 16 .b8 buffer[1024];\n" + globals);
}

LaunchResult runBody(const std::string& body, const std::string& globals = "") {
  Device device;
  uint64_t out = device.upload(std::vector<uint32_t>(64, 5));
  return device.run(kernel(body, globals), shapeOf(1, 32), {out});
}

void expectClean(const std::string& body, const std::string& globals = "") {
  LaunchResult result = runBody(body, globals);
  EXPECT_EQ(result.fault, Fault::none) << body << textOf(result);
}

void expectUse(const std::string& body, const std::string& how, const std::string& globals = "") {
  LaunchResult result = runBody(body, globals);
  EXPECT_EQ(result.fault, Fault::trap) << body;
  ASSERT_EQ(result.findings.size(), 1u) << body << textOf(result);
  EXPECT_EQ(result.findings[0].check, Check::uninitialized);
  EXPECT_NE(result.findings[0].text.find("an undefined value " + how + "; it was read in "),
            std::string::npos)
      << body << textOf(result);
}

const char* const kStored = "is stored to global memory";
const char* const kBranch = "decides where the thread goes";

TEST(Undefined, AValueThatIsDiscardedIsNoFinding) {
  expectClean("");
  expectClean("add.u32 %r4, %r1, 1; setp.eq.u32 %p1, %r4, 7;");
  expectClean("setp.lt.u32 %p1, %r3, 99; selp.b32 %r4, %r2, %r1, %p1; st.global.u32 [%rd1], %r4;");
  expectClean("slct.b32.s32 %r4, %r1, %r2, -1; st.global.u32 [%rd1], %r4;");
  expectClean("mov.u32 %r1, %r2; st.global.u32 [%rd1], %r1;");
  expectClean("ld.shared.u32 %r1, [%r28]; st.global.u32 [%rd1], %r1;");
  expectClean(
      "st.shared.u32 [%r28], %r1; st.shared.u32 [%r28], 1; ld.shared.u32 %r1, [%r28]; st.global.u32 "
      "[%rd1], %r1;");
}

TEST(Undefined, AUseIsFoundAndNamesTheLoad) {
  LaunchResult result = runBody("add.u32 %r4, %r1, 1;\nst.global.u32 [%rd1], %r4;");
  ASSERT_EQ(result.findings.size(), 1u) << textOf(result);
  EXPECT_NE(
      textOf(result).find("an undefined value is stored to global memory; it was read in shared memory "
                          "that nothing has written, at offset 128\n  read by PTX line 13: ld.shared.u32"),
      std::string::npos)
      << textOf(result);
  EXPECT_EQ(result.findings[0].ptxLine, 15u);
  EXPECT_EQ(result.findings[0].address, 128u);
}

TEST(Undefined, EveryKindOfUseIsFound) {
  expectUse("setp.eq.u32 %p1, %r1, 7; @%p1 bra DONE; mov.u32 %r4, 1; DONE:", kBranch);
  expectUse("setp.eq.u32 %p1, %r1, 7; @%p1 mov.u32 %r4, 1;", "decides whether the instruction is executed");
  expectUse("setp.eq.u32 %p1, %r1, 7; @!%p1 exit;", "decides whether the instruction is executed");
  const std::string same = "mul.lo.u32 %r4, %r1, 0; add.u32 %r4, %r4, %r28; ";
  expectUse(same + "ld.shared.u32 %r5, [%r4];", "is used as an address");
  expectUse(same + "st.shared.u32 [%r4], 1;", "is used as an address");
  expectUse("setp.eq.u32 %p1, %r3, 0; @%p1 st.global.v2.u32 [%rd1], {%r2, %r1};", kStored);
  expectUse("red.global.add.u32 [%rd1], %r1;", "goes into an atomic operation");
  expectUse("atom.shared.cas.b32 %r4, [%r28], %r2, %r1;", "goes into an atomic operation");
  expectUse("setp.eq.u32 %p1, %r1, 7; bar.red.or.pred %p2, 0, %p1;", "goes into a barrier");
  expectUse("mul.lo.u32 %r4, %r1, 0; sub.u32 %r4, %r4, 1; bar.warp.sync %r4;",
            "names the lanes that take part");
}

TEST(Undefined, ItGoesThroughArithmetic) {
  for (const char* each :
       {"add.u32 %r4, %r1, %r2;", "mad.lo.u32 %r4, %r2, %r2, %r1;", "mov.b32 %r4, %r1;",
        "bfi.b32 %r4, %r1, %r2, 0, 8;", "lop3.b32 %r4, %r2, %r1, %r3, 0x96;",
        "prmt.b32 %r4, %r1, %r2, 0x3210;", "cvt.rn.f32.u32 %f1, %r1; mov.b32 %r4, %f1;",
        "cvt.u64.u32 %rd4, %r1; cvt.u32.u64 %r4, %rd4;",
        "mov.b64 %rd4, {%r2, %r1}; mov.b64 {%r5, %r4}, %rd4;",
        "mov.b32 {%h1, %h2}, %r1; mov.b32 %r4, {%h1, %h2};",
        "add.cc.u32 %r5, %r1, %r2; addc.u32 %r4, %r2, %r2;",
        "setp.lt.u32 %p1, %r1, 3; selp.b32 %r4, 1, 0, %p1;",
        "setp.lt.u32 %p1, %r1, 3; setp.lt.u32 %p2, %r2, 3; and.pred %p3, %p2, %p1; selp.b32 %r4, 1, 0, %p3;",
        "setp.lt.u32 %p1, %r1, 3; not.pred %p2, %p1; selp.b32 %r4, 1, 0, %p2;",
        "set.lt.u32.u32 %r4, %r1, %r2;", "slct.b32.s32 %r4, %r2, %r2, %r1;"})
    expectUse(std::string(each) + " st.global.u32 [%rd1], %r4;", kStored);
}

TEST(Undefined, WhatADefinedOperandDecidesIsDefined) {
  const std::string bad = "setp.lt.u32 %p1, %r1, 3; setp.lt.u32 %p2, %r3, 99; ", go = " bra DONE; DONE:";
  expectClean(bad + "or.pred %p3, %p1, %p2; @%p3" + go);
  expectClean(bad + "not.pred %p4, %p2; and.pred %p3, %p4, %p1; @%p3" + go);
  expectClean("and.b32 %r4, %r1, 0; st.global.u32 [%rd1], %r4;");
  expectClean("or.b32 %r4, -1, %r1; st.global.u32 [%rd1], %r4;");
  expectClean(bad + "setp.gt.and.u32 %p3, %r3, 99, %p1; @%p3" + go);
  expectClean(bad + "setp.lt.or.u32 %p3, %r3, 99, !%p1; @%p3" + go);
  expectClean(bad + "setp.lt.or.u32 %p3, %r1, 99, %p2; @%p3" + go);
  expectUse(bad + "and.pred %p3, %p1, %p2; @%p3" + go, kBranch);
  expectUse(bad + "setp.lt.and.u32 %p3, %r3, 99, %p1; @%p3" + go, kBranch);
  expectUse(bad + "setp.gt.or.u32 %p3, %r3, 99, !%p1; @%p3" + go, kBranch);
  expectUse(bad + "setp.lt.and.u32 %p3, %r1, 99, %p2; @%p3" + go, kBranch);
}

TEST(Undefined, ItGoesFromLaneToLane) {
  // Only lane 0 holds an undefined value.
  const std::string one = "setp.eq.u32 %p1, %r3, 0; selp.b32 %r4, %r1, %r2, %p1; setp.eq.u32 %p2, %r3, 9;\n";
  const std::string ninth = " @%p2 st.global.u32 [%rd1], %r5;";
  expectUse(one + "shfl.sync.idx.b32 %r5, %r4, 0, 31, -1;" + ninth, kStored);
  expectClean(one + "shfl.sync.idx.b32 %r5, %r4, 1, 31, -1;" + ninth);
  expectClean(one + "shfl.sync.up.b32 %r5|%p3, %r4, 1, 0, -1; @%p3 bra DONE; DONE:");
  expectUse(one + "setp.lt.u32 %p3, %r4, 3; vote.sync.ballot.b32 %r5, %p3, -1;" + ninth, kStored);
  expectClean(one + "setp.lt.u32 %p3, %r4, 3; vote.sync.any.pred %p4, %p3, -1; @%p4 bra DONE; DONE:");
  expectUse(one + "setp.lt.u32 %p3, %r4, 99; vote.sync.all.pred %p4, %p3, -1; @%p4 bra DONE; DONE:", kBranch);
  // Lanes 8 to 15 are a group of their own.
  expectClean(one +
              "shr.u32 %r6, %r3, 3; shl.b32 %r6, %r6, 3; mov.u32 %r7, 255; shl.b32 %r7, %r7, %r6; "
              "redux.sync.add.u32 %r5, %r4, %r7;" +
              ninth);
  expectUse(one + "redux.sync.add.u32 %r5, %r4, -1;" + ninth, kStored);
  expectUse(one + "match.any.sync.b32 %r5, %r4, -1;" + ninth, kStored);
  expectClean(one + "mov.u32 %r5, %r4;" + ninth);
}

TEST(Undefined, ItGoesThroughMemoryAndCalls) {
  const std::string store = " st.global.u32 [%rd1], %r4;";
  expectUse("st.shared.u32 [%r28+256], %r1; ld.shared.u32 %r4, [%r28+256];" + store, kStored);
  expectUse("mov.u64 %rd4, stack; ld.local.u32 %r4, [%rd4];" + store, kStored);
  expectClean("mov.u64 %rd4, stack; st.local.v2.u32 [%rd4], {%r2, %r1}; ld.local.u32 %r4, [%rd4];" + store);
  expectUse("mov.u64 %rd4, stack; st.local.v2.u32 [%rd4], {%r2, %r1}; ld.local.u32 %r4, [%rd4+4];" + store,
            kStored);
  const std::string function =
      ".func (.param .b32 r) sum(.param .b32 x, .param .b32 y)\n{ .reg .b32 %a<4>; ld.param.b32 %a1, [x]; "
      "ld.param.b32 %a2, [y]; add.u32 %a3, %a1, 1; st.param.b32 [r], %a3; ret; }\n";
  auto call = [&](const std::string& x, const std::string& y) {
    return "{ .param .b32 x; .param .b32 y; .param .b32 r; st.param.b32 [x], " + x + "; st.param.b32 [y], " +
           y + "; call (r), sum, (x, y); ld.param.b32 %r4, [r]; }" + store;
  };
  expectUse(call("%r1", "%r2"), kStored, function);
  expectClean(call("%r2", "%r1"), function);
}

TEST(Undefined, AProductIsUndefinedWhereItsRowOrColumnIs) {
  // Row 0 of a, held by lanes 0 to 3, is undefined: so are d's elements 0 and 1 of these lanes, not 2 and 3.
  auto text = [](const std::string& lane, const std::string& element) {
    return "setp.lt.u32 %p1, %r3, 4; selp.b32 %r4, %r1, 0, %p1; mov.u32 %r5, 0; mov.f32 %f1, 0f00000000;\n"
           "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f4, %f5, %f6, %f7}, {%r4, %r5, %r5, %r5}, "
           "{%r5, "
           "%r5}, {%f1, %f1, %f1, %f1}; setp.eq.u32 %p2, %r3, " +
           lane + "; @%p2 st.global.f32 [%rd1], " + element + ";";
  };
  expectUse(text("3", "%f5"), kStored);
  expectClean(text("3", "%f6"));
  expectClean(text("4", "%f4"));
}

TEST(Undefined, LdmatrixLoadsWithoutAFindingWhatAProductDiscards) {
  // Rows of 16 bytes from byte 0 on: 8 are written, the others are not.
  const std::string load =
      "shl.b32 %r5, %r3, 4; and.b32 %r5, %r5, 255; mov.u32 %r6, buffer; add.u32 %r6, %r6, %r5; "
      "bar.warp.sync -1; ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r7, %r8}, [%r6];";
  expectClean(load + " st.global.u32 [%rd1], %r7;");
  expectUse(load + " st.global.u32 [%rd1], %r8;", kStored);
}

}  // namespace
}  // namespace softcuda::test
