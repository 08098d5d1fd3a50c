// Loads, stores, atomics, address conversions, fences.
#include <map>

#include "decode/decoder.h"
#include "execute/handlers.h"

namespace softcuda {

using ptx::Space;
using ptx::Type;

ptx::Space Decoder::takeSpace(Modifiers& m) const {
  if (m.take("global")) return Space::global;
  if (m.take("shared") || m.take("shared::cta") || m.take("shared::cluster")) return Space::shared;
  if (m.take("local")) return Space::local;
  if (m.take("const")) return Space::constant;
  if (m.take("param") || m.take("param::entry") || m.take("param::func")) return Space::param;
  return Space::generic;
}

void Decoder::setAddress(MemoryDetail& detail, const Operand& operand, Space space) {
  if (operand.kind != Operand::Kind::memory) fail("an address in brackets is expected");
  const Operand& base = operand.items[0];
  detail.space = space;
  detail.offset = operand.offset;
  if (base.kind == Operand::Kind::reg) {
    unsigned bytes = 0;
    detail.base = anyReg(base, &bytes);
    detail.narrowAddress = bytes == 4;
    if (bytes != 4 && bytes != 8) fail("an address has 32 or 64 bits");
    if (space == Space::param && parsed_.entry) detail.space = Space::kernelParam;
    return;
  }
  Operand symbol = base;
  symbol.offset = 0;
  detail.base = base.kind == Operand::Kind::integer ? constant(base.bits, 8) : address(symbol, 8);
  if (space == Space::param && base.kind == Operand::Kind::variable && parsed_.entry &&
      base.id < parsed_.parameters.size())
    detail.space = Space::kernelParam;
}

void Decoder::load(Instr& in, Modifiers& m) { loadStore(in, m, true); }
void Decoder::storeTo(Instr& in, Modifiers& m) { loadStore(in, m, false); }

void Decoder::loadStore(Instr& in, Modifiers& m, bool isLoad) {
  MemoryDetail& detail = this->detail<MemoryDetail>(in);
  detail.isVolatile = m.take("volatile") || m.take("mmio");
  if (m.take("relaxed")) detail.order = MemoryDetail::Order::relaxed;
  if (m.take("acquire")) detail.order = MemoryDetail::Order::acquire;
  if (m.take("release")) detail.order = MemoryDetail::Order::release;
  m.takeOneOf({"cta", "cluster", "gpu", "sys"});
  m.take("weak");
  detail.readOnly = m.take("nc") || m.base() == "ldu";
  m.takeOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  bool hint = m.take("L2::cache_hint");
  m.takePrefixed("L1::"), m.takePrefixed("L2::");
  m.take("unified");
  Space space = takeSpace(m);
  unsigned vector = m.takeVector();
  Type type = m.takeType();
  detail.width = static_cast<uint8_t>(ptx::bytesOf(type));
  detail.count = static_cast<uint8_t>(vector);
  detail.signExtend = ptx::isSigned(type) && !ptx::isFloat(type);
  const Operand& value = operand(isLoad ? 0 : 1);
  setAddress(detail, operand(isLoad ? 1 : 0), space);
  if (operands() != (hint ? 3u : 2u))
    fail("'" + std::string(at_->opcode) + "' has the wrong number of operands");
  std::vector<Operand> single{value};
  const std::vector<Operand>& values = value.kind == Operand::Kind::vector ? value.items : single;
  if (values.size() != vector)
    fail("'" + std::string(at_->opcode) + "' has the wrong number of vector elements");
  detail.registerBytes = 0;
  for (const Operand& each : values) {
    unsigned bytes = 0;
    if (each.kind == Operand::Kind::reg)
      detail.registers.push_back(anyReg(each, &bytes));
    else if (isLoad && each.kind == Operand::Kind::sink)
      detail.registers.push_back(kNoRef);
    else if (!isLoad)
      detail.registers.push_back(source(each, type)), bytes = detail.width < 2 ? 2u : detail.width;
    if (bytes != 0 && bytes < detail.width)
      fail("a register of '" + std::string(at_->opcode) + "' is too narrow");
    if (bytes != 0 && detail.registerBytes != 0 && bytes != detail.registerBytes)
      fail("the registers of a vector have different widths");
    if (bytes != 0) detail.registerBytes = static_cast<uint8_t>(bytes);
  }
  if (detail.registerBytes == 0) detail.registerBytes = 4;
  // A register that occurs nowhere else is padding that was loaded with its neighbours.
  for (size_t i = 0; isLoad && i < values.size(); ++i)
    if (values[i].kind != Operand::Kind::reg || occurrences_[values[i].id] == 1)
      detail.unread |= static_cast<uint8_t>(1u << i);
  detail.usedBytes = at_->usedBytes;
  in.kind = isLoad ? Class::load : Class::store;
  if (space == Space::shared) in.kind = Class::shared;
  if (space == Space::local) in.kind = Class::local;
  if (space == Space::param) in.kind = Class::parameter;
  in.run = isLoad ? loadHandler(detail) : storeHandler(detail);
}

void Decoder::cvta(Instr& in, Modifiers& m) {
  in.kind = Class::integer;
  bool to = m.take("to");
  Space space = takeSpace(m);
  Type type = m.takeType();
  unsigned bytes = ptx::bytesOf(type);
  in.d = reg(operand(0), bytes);
  in.a = source(operand(1), bytes == 8 ? Type::b64 : Type::b32);
  if (m.base() == "mapa" || space == Space::global || space == Space::constant) {
    in.run = handler(bytes == 8 ? "mov.b64" : "mov.b32");
    return;
  }
  if (bytes != 8) fail("addresses of 32 bits are not supported in '" + std::string(at_->opcode) + "'");
  uint64_t base = space == Space::shared  ? window::shared
                  : space == Space::local ? window::local
                                          : window::param;
  in.b = constant(to ? 0 - base : base, 8);
  in.run = handler("add.u64");
}

void Decoder::isspacep(Instr& in, Modifiers& m) {
  in.kind = Class::integer;
  in.flags = static_cast<uint32_t>(takeSpace(m));
  in.d = reg(operand(0), 0);
  in.a = source(operand(1), Type::b64);
  in.run = testSpace;
}

void Decoder::fence(Instr& in, Modifiers& m) {
  while (!m.takeOneOf({"proxy",
                       "async",
                       "alias",
                       "sc",
                       "acq_rel",
                       "acquire",
                       "release",
                       "cta",
                       "cluster",
                       "gpu",
                       "gl",
                       "sys",
                       "global",
                       "mbarrier_init",
                       "shared::cta",
                       "shared::cluster",
                       "async::generic",
                       "async.global",
                       "sync_restrict::shared::cta",
                       "sync_restrict::shared::cluster"})
              .empty()) {
  }
  in.kind = Class::barrier;
  in.run = memoryFence;
}

void Decoder::cacheHint(Instr& in, Modifiers& m) {
  in.kind = Class::other;
  in.run = nothing;
  bool policy = m.base() == "createpolicy";
  while (!m.takeOneOf(
               {"fractional", "range", "cvt", "global", "local", "L1", "L2", "tensormap", "const", "param"})
              .empty()) {
  }
  m.takePrefixed("L1::"), m.takePrefixed("L2::");
  m.takeTypeIf();
  if (!policy) return;
  // The policy is opaque: 0 serves.
  in.d = reg(operand(0), 8);
  in.a = constant(0, 8);
  in.run = handler("mov.b64");
}

void Decoder::atom(Instr& in, Modifiers& m) {
  AtomicDetail& detail = this->detail<AtomicDetail>(in);
  detail.returns = m.base() == "atom";
  detail.order = MemoryDetail::Order::relaxed;
  if (m.take("acquire")) detail.order = MemoryDetail::Order::acquire;
  if (m.take("release")) detail.order = MemoryDetail::Order::release;
  if (m.take("acq_rel")) detail.order = MemoryDetail::Order::acqRel;
  m.take("relaxed");
  m.takeOneOf({"cta", "cluster", "gpu", "sys"});
  bool hint = m.take("L2::cache_hint");
  m.take("noftz");
  Space space = takeSpace(m);
  unsigned vector = m.takeVector();
  using Op = AtomicDetail::Op;
  static const std::map<std::string_view, Op> ops{
      {"add", Op::add},     {"min", Op::min},   {"max", Op::max},     {"inc", Op::inc},   {"dec", Op::dec},
      {"and", Op::andBits}, {"or", Op::orBits}, {"xor", Op::xorBits}, {"exch", Op::exch}, {"cas", Op::cas}};
  std::string_view op = m.takeOneOf({"add", "min", "max", "inc", "dec", "and", "or", "xor", "exch", "cas"});
  if (op.empty()) fail("'" + std::string(at_->opcode) + "' names no operation");
  detail.op = ops.at(op);
  detail.type = m.takeType();
  unsigned bytes = ptx::bytesOf(detail.type);
  if (bytes != 2 && bytes != 4 && bytes != 8) fail("'" + std::string(at_->opcode) + "' is not supported");

  detail.width = static_cast<uint8_t>(bytes);
  size_t next = detail.returns ? 1 : 0;
  setAddress(detail, operand(next++), space);
  if (vector == 1) {
    if (detail.returns) in.d = target(operand(0), bytes);
    in.a = source(operand(next++), detail.type);
  } else {
    detail.count = static_cast<uint8_t>(vector);
    for (const Operand& each : operand(next).items) detail.registers.push_back(source(each, detail.type));
    for (const Operand& each : detail.returns ? operand(0).items : std::vector<Operand>())
      detail.results.push_back(target(each, bytes));
    if (operand(next++).items.size() != vector || detail.op == Op::cas)
      fail("'" + std::string(at_->opcode) + "' has the wrong vector");
  }
  if (detail.op == Op::cas) in.b = source(operand(next++), detail.type);
  if (operands() != next + (hint ? 1 : 0))
    fail("'" + std::string(at_->opcode) + "' has the wrong number of operands");
  in.kind = Class::atomic;
  in.run = atomicAccess;
}

}  // namespace softcuda
