// mov with packing, unpacking and special registers; cvt.
#include "decode/decoder.h"
#include "execute/handlers.h"

namespace softcuda {
namespace {

using ptx::Type;

bool isClock(std::string_view name) {
  return name == "%clock" || name == "%clock_hi" || name == "%clock64" || name == "%globaltimer" ||
         name == "%globaltimer_lo" || name == "%globaltimer_hi";
}

}  // namespace

void Decoder::mov(Instr& in, Modifiers& m) {
  m.take("volatile");
  Type type = m.takeType();
  const Operand &d = operand(0), &a = operand(1);
  in.kind = type == Type::pred ? Class::predicate : Class::move;
  if (type == Type::pred) {
    in.run = handler("mov.pred");
    in.d = reg(d, 0), in.a = predicateSource(a);
    return;
  }
  unsigned bytes = ptx::bytesOf(type);
  if (d.kind == Operand::Kind::vector || a.kind == Operand::Kind::vector) {
    bool packs = a.kind == Operand::Kind::vector;
    const Operand& parts = packs ? a : d;
    PackDetail& detail = this->detail<PackDetail>(in);
    detail.wholeBytes = static_cast<uint8_t>(bytes);
    detail.partBytes = static_cast<uint8_t>(bytes / parts.items.size());
    Type partType = detail.partBytes == 8   ? Type::b64
                    : detail.partBytes == 4 ? Type::b32
                    : detail.partBytes == 2 ? Type::b16
                                            : Type::b8;
    for (const Operand& each : parts.items) {
      detail.parts.push_back(packs ? source(each, partType)
                             : each.kind == Operand::Kind::sink
                                 ? kNoRef
                                 : reg(each, ptx::bytesOf(partType) < 2 ? 2 : ptx::bytesOf(partType)));
    }
    in.run = packs ? packLanes : unpackLanes;
    if (packs)
      in.d = reg(d, bytes);
    else
      in.a = source(a, type);
    return;
  }
  in.d = reg(d, bytes < 2 ? 2 : bytes);
  if (a.kind == Operand::Kind::special && isClock(a.name)) {
    in.run = bytes == 8 ? readClock64 : readClock32;
    in.flags = a.name == "%clock_hi" || a.name == "%globaltimer_hi" ? 1 : 0;
    in.kind = Class::special;
    return;
  }
  in.a = source(a, type);
  in.run = bytes == 16 ? moveWide : handler(bytes == 8 ? "mov.b64" : bytes == 4 ? "mov.b32" : "mov.b16");
}

void Decoder::cvt(Instr& in, Modifiers& m) {
  if (m.take("pack")) return cvtPack(in, m);
  ConvertDetail& how = detail<ConvertDetail>(in);
  bool rounded = m.takeRound(&how.round);
  static constexpr std::pair<std::string_view, Round> integral[] = {
      {"rni", Round::nearest}, {"rzi", Round::zero}, {"rmi", Round::down}, {"rpi", Round::up}};
  std::string mode;
  for (const auto& [name, round] : integral) {
    if (!m.take(name)) continue;
    how.integral = true;
    how.round = round;
    mode = "." + std::string(name);
  }
  how.ftz = m.take("ftz");
  how.sat = m.take("sat");
  how.satfinite = m.take("satfinite");
  how.relu = m.take("relu");
  how.to = m.takeType();
  how.from = m.takeType();
  in.kind = Class::conversion;
  unsigned bytes = 0;
  in.d = anyReg(operand(0), &bytes);
  how.targetBytes = static_cast<uint8_t>(bytes);
  bool pairs =
      how.to == Type::f16x2 || how.to == Type::bf16x2 || how.to == Type::e4m3x2 || how.to == Type::e5m2x2;
  const Operand& a = operand(1);
  how.sourceBytes = static_cast<uint8_t>(a.kind == Operand::Kind::reg ? registerBytes(a)
                                         : ptx::bytesOf(how.from) < 2 ? 2
                                                                      : ptx::bytesOf(how.from));
  in.a = a.kind == Operand::Kind::reg ? reg(a, how.sourceBytes) : source(a, how.from);
  if (how.sourceBytes < ptx::bytesOf(how.from) || how.targetBytes < ptx::bytesOf(how.to))
    fail("a register of '" + std::string(at_->opcode) + "' is narrower than its type");
  if (pairs) {
    in.run = handler("cvt pair");
    if (how.from == Type::f32) in.b = source(operand(2), Type::f32);
    return;
  }
  bool plain =
      !how.ftz && !how.sat && !how.satfinite && !how.relu && (!rounded || how.round == Round::nearest);
  bool exact = how.sourceBytes == ptx::bytesOf(how.from) && how.targetBytes == ptx::bytesOf(how.to);
  std::string name =
      "cvt" + mode + "." + std::string(ptx::nameOf(how.to)) + "." + std::string(ptx::nameOf(how.from));
  Handler fast = plain && exact ? handlerNamed(name) : nullptr;
  in.run = fast != nullptr ? fast : handler("cvt");
}

void Decoder::cvtPack(Instr& in, Modifiers& m) {
  ConvertDetail& how = detail<ConvertDetail>(in);
  if (!m.take("sat")) fail("cvt.pack is written cvt.pack.sat");
  how.to = m.takeType();
  how.from = m.takeType();
  m.takeTypeIf();
  in.kind = Class::conversion;
  in.run = handler("cvt pack");
  in.d = reg(operand(0), 4);
  in.a = source(operand(1), Type::s32), in.b = source(operand(2), Type::s32);
  if (operands() == 4) in.c = source(operand(3), Type::b32);
}

}  // namespace softcuda
