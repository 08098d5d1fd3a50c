// Asynchronous copies and mbarriers.
#include "decode/decoder.h"
#include "execute/handlers.h"

namespace softcuda {

using ptx::Space;
using ptx::Type;

void Decoder::cpAsync(Instr& in, Modifiers& m) {
  if (!m.take("async")) fail("'" + std::string(at_->opcode) + "' is not supported");
  in.kind = Class::copy;
  if (m.take("bulk")) return cpAsyncBulk(in, m);
  if (m.take("commit_group")) {
    in.run = commitCopies;
    return;
  }
  if (m.take("wait_group")) {
    in.flags = static_cast<uint32_t>(immediate(operand(0)));
    in.run = waitCopies;
    return;
  }
  if (m.take("wait_all")) {
    in.run = waitAllCopies;
    return;
  }
  if (m.take("mbarrier")) {
    if (!m.take("arrive")) fail("'" + std::string(at_->opcode) + "' is not supported");
    MbarrierDetail& detail = this->detail<MbarrierDetail>(in);
    in.flags = m.take("noinc") ? 1 : 0;
    Space space = takeSpace(m);
    m.takeTypeIf();
    detail.width = 8;
    setAddress(detail, operand(0), space);
    in.run = arriveAfterCopies;
    return;
  }
  CopyDetail& detail = this->detail<CopyDetail>(in);
  if (m.takeOneOf({"ca", "cg"}).empty()) fail("'" + std::string(at_->opcode) + "' is not supported");
  bool toShared = m.take("shared") || m.take("shared::cta"), fromGlobal = m.take("global");
  bool hint = m.take("L2::cache_hint");
  m.takePrefixed("L2::");
  if (!toShared || !fromGlobal) fail("cp.async copies from global to shared memory");
  setAddress(detail, operand(0), Space::shared);
  setAddress(detail.source, operand(1), Space::global);
  uint64_t size = immediate(operand(2));
  if (size != 4 && size != 8 && size != 16) fail("cp.async copies 4, 8 or 16 bytes");
  detail.width = detail.source.width = static_cast<uint8_t>(size);
  size_t left = operands() - 3 - (hint ? 1 : 0);
  if (left == 1) {
    const Operand& fourth = operand(3);
    bool isPredicate = fourth.kind == Operand::Kind::reg && registerBytes(fourth) == 0;
    (isPredicate ? detail.ignore : detail.sourceBytes) =
        isPredicate ? predicateSource(fourth) : source(fourth, Type::u32);
  }
  in.run = copyAsync;
}

void Decoder::cpAsyncBulk(Instr& in, Modifiers& m) {
  if (m.take("commit_group") || m.take("wait_group")) {
    m.take("read");
    in.run = nothing;  // bulk copies are complete when they were issued
    return;
  }
  CopyDetail& detail = this->detail<CopyDetail>(in);
  bool toShared = m.take("shared::cluster");
  if (!toShared) toShared = !m.peek("bulk_group") && m.take("shared::cta");
  Space from = Space::global;
  if (toShared)
    m.take("global");
  else
    m.take("global"), m.take("shared::cta"), from = Space::shared;
  bool tells = m.take("mbarrier::complete_tx::bytes");
  m.take("bulk_group");
  bool hint = m.take("L2::cache_hint");
  if (toShared != tells) fail("'" + std::string(at_->opcode) + "' is not supported");
  setAddress(detail, operand(0), toShared ? Space::shared : Space::global);
  setAddress(detail.source, operand(1), from);
  detail.width = detail.source.width = 16;
  detail.size = source(operand(2), Type::u32);
  if (tells) setAddress(detail.barrier, operand(3), Space::shared);
  detail.barrier.width = 8;
  detail.tellsBarrier = tells;
  if (operands() != (tells ? 4u : 3u) + (hint ? 1 : 0))
    fail("'" + std::string(at_->opcode) + "' has the wrong number of operands");
  in.run = copyBulk;
}

void Decoder::mbarrier(Instr& in, Modifiers& m) {
  MbarrierDetail& detail = this->detail<MbarrierDetail>(in);
  using Op = MbarrierDetail::Op;
  in.kind = Class::barrier;
  in.run = mbarrierAccess;
  std::string_view op = m.takeOneOf({"init", "inval", "arrive", "arrive_drop", "expect_tx", "complete_tx",
                                     "test_wait", "try_wait", "pending_count"});
  if (op.empty()) fail("'" + std::string(at_->opcode) + "' is not supported");
  detail.expects = (op == "arrive" || op == "arrive_drop") && m.take("expect_tx");
  m.take("noComplete");
  detail.parity = m.take("parity");
  m.takeOneOf({"release", "acquire", "relaxed"});
  m.takeOneOf({"cta", "cluster"});
  Space space = takeSpace(m);
  m.takeTypeIf();
  detail.width = 8;
  if (op == "pending_count") {
    detail.op = Op::pending;
    in.d = reg(operand(0), 4);
    detail.state = source(operand(1), Type::b64);
    return;
  }
  size_t next = 0;
  bool waits = op == "test_wait" || op == "try_wait";
  bool arrives = op == "arrive" || op == "arrive_drop";
  if (waits) in.d = target(operand(next++), 0);
  if (arrives && operand(0).kind != Operand::Kind::memory) in.d = target(operand(next++), 8);
  setAddress(detail, operand(next++), space);
  if (waits) {
    detail.op = Op::test;
    detail.state = source(operand(next++), detail.parity ? Type::u32 : Type::b64);
    return;  // a limit of time may follow: the answer comes at once
  }
  detail.op = op == "init"          ? Op::init
              : op == "inval"       ? Op::inval
              : op == "arrive"      ? Op::arrive
              : op == "arrive_drop" ? Op::arriveDrop
              : op == "expect_tx"   ? Op::expect
                                    : Op::complete;
  if (next < operands()) detail.count = source(operand(next), Type::u32);
}

}  // namespace softcuda
