// Branches, calls, barriers.
#include "decode/decoder.h"
#include "execute/handlers.h"

namespace softcuda {

using ptx::Type;

void Decoder::bra(Instr& in, Modifiers& m) {
  m.take("uni");
  if (operand(0).kind != Operand::Kind::label) fail("a branch needs a label");
  in.kind = Class::control;
  in.target = operand(0).id;
  in.run = in.guard == kNoRef ? jump : branch;
  // The guard decides who jumps; the instruction itself runs for every lane.
  if (in.guard != kNoRef) in.a = in.guard, in.guard = kNoRef;
}

void Decoder::brx(Instr& in, Modifiers& m) {
  if (!m.take("idx")) fail("only brx.idx is supported");
  m.take("uni");
  in.kind = Class::control;
  SwitchDetail& detail = this->detail<SwitchDetail>(in);
  auto table = parsed_.branchTargets.find(operand(1).name);
  if (table == parsed_.branchTargets.end())
    fail("'" + std::string(operand(1).name) + "' is no .branchtargets");
  detail.targets = table->second;
  in.a = source(operand(0), Type::u32);
  if (in.guard != kNoRef) fail("a guarded brx.idx is not supported");
  in.run = branchIndexed;
}

void Decoder::call(Instr& in, Modifiers& m) {
  m.take("uni");
  in.kind = Class::control;
  CallDetail& detail = this->detail<CallDetail>(in);
  for (bool result : {true, false}) {
    for (const Operand& each : operand(result ? 0 : 2).items) {
      if (each.kind != Operand::Kind::variable) fail("arguments and results of a call are .param variables");
      const ptx::Variable& variable = parsed_.variables[each.id];
      (result ? detail.results : detail.arguments).push_back(static_cast<uint32_t>(variables_[each.id]));
      (result ? detail.resultBytes : detail.argumentBytes).push_back(static_cast<uint32_t>(variable.bytes));
    }
  }
  const Operand& callee = operand(1);
  in.run = callFunction;
  if (callee.kind == Operand::Kind::reg) {
    detail.pointer = reg(callee, 8);
    return;
  }
  auto defined = module_.program->byName.find(std::string(callee.name));
  if (defined != module_.program->byName.end()) {
    detail.callee = defined->second;
    out_.callees.push_back(defined->second);
    return;
  }
  detail.system = std::string(callee.name);
  static constexpr std::string_view known[] = {"vprintf", "__assertfail", "malloc", "free"};
  for (std::string_view each : known)
    if (each == callee.name) {
      in.run = callSystem;
      return;
    }
  fail("the function '" + detail.system + "' is declared but nowhere defined");
}

void Decoder::ret(Instr& in, Modifiers& m) {
  m.take("uni");
  in.kind = Class::control;
  in.run = m.base() == "exit" || parsed_.entry ? exitLanes : returnLanes;
  in.target = kReturn;
}

void Decoder::simpleControl(Instr& in, Modifiers& m) {
  in.kind = Class::control;
  if (m.base() == "nanosleep") {
    m.takeTypeIf();
    in.run = yieldWarp;
  } else {
    in.run = trapLanes;
  }
}

void Decoder::noOperation(Instr& in, Modifiers& m) {
  while (!m.takeOneOf({"wait", "launch_dependents", "mask", "inc", "dec", "sync", "aligned"}).empty()) {
  }
  m.takeTypeIf();
  in.kind = Class::control;
  in.run = nothing;
}

void Decoder::bar(Instr& in, Modifiers& m) {
  m.take("cta");
  if (m.take("warp")) return warpSync(in, m);
  if (m.take("cluster")) {
    // A cluster of one CTA: its barrier is the CTA's own, number 16 that no program can name.
    bool arrives = m.take("arrive");
    m.take("wait"), m.take("release"), m.take("acquire"), m.take("relaxed"), m.take("aligned");
    in.kind = Class::barrier;
    BarrierDetail& cluster = detail<BarrierDetail>(in);
    cluster.id = constant(16, 4);
    in.run = arrives ? nothing : barrier;
    return;
  }
  BarrierDetail& detail = this->detail<BarrierDetail>(in);
  detail.aligned = m.base() == "bar" || m.peek("aligned");
  m.take("aligned");
  std::string_view kind = m.takeOneOf({"sync", "arrive", "red"});
  if (kind.empty()) fail("'" + std::string(at_->opcode) + "' is not supported");
  in.kind = Class::barrier;
  in.run = barrier;
  detail.arrive = kind == "arrive";
  size_t next = 0;
  if (kind == "red") {
    std::string_view op = m.takeOneOf({"popc", "and", "or"});
    Type type = m.takeType();
    detail.reduce = op == "popc"  ? BarrierDetail::Reduce::popc
                    : op == "and" ? BarrierDetail::Reduce::all
                                  : BarrierDetail::Reduce::any;
    in.d = reg(operand(next++), type == Type::pred ? 0 : 4);
    in.a = predicateSource(operand(operands() - 1));
  }
  detail.id = source(operand(next++), Type::u32);
  size_t left = operands() - next - (kind == "red" ? 1 : 0);
  if (left == 1) detail.count = source(operand(next), Type::u32);
}

void Decoder::warpSync(Instr& in, Modifiers& m) {
  if (!m.take("sync")) fail("'" + std::string(at_->opcode) + "' is not supported");
  in.kind = Class::barrier;
  in.a = source(operand(0), Type::b32);
  in.run = syncWarp;
}

}  // namespace softcuda
