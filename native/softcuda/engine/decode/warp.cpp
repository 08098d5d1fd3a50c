// Shuffles, votes, matches and reductions among the lanes of a warp.
#include "decode/decoder.h"
#include "execute/handlers.h"

namespace softcuda {

using ptx::Type;

// In all: e holds the mask of lanes that take part.
void Decoder::shfl(Instr& in, Modifiers& m) {
  if (!m.take("sync")) fail("'" + std::string(at_->opcode) + "' without .sync is not supported");
  std::string_view mode = m.takeOneOf({"up", "down", "bfly", "idx"});
  if (mode.empty()) fail("'" + std::string(at_->opcode) + "' names no mode");
  m.takeType();
  in.flags = mode == "up" ? 0 : mode == "down" ? 1 : mode == "bfly" ? 2 : 3;
  ShuffleDetail& detail = this->detail<ShuffleDetail>(in);
  const Operand& d = operand(0);
  in.d = target(isPair(0) ? d.items[0] : d, 4);
  if (isPair(0)) detail.valid = target(d.items[1], 0);
  in.a = source(operand(1), Type::b32), in.b = source(operand(2), Type::b32),
  in.c = source(operand(3), Type::b32);
  in.e = source(operand(4), Type::b32);
  in.kind = Class::shuffle;
  in.run = shuffle;
}

void Decoder::vote(Instr& in, Modifiers& m) {
  if (!m.take("sync")) fail("'" + std::string(at_->opcode) + "' without .sync is not supported");
  std::string_view mode = m.takeOneOf({"all", "any", "uni", "ballot"});
  m.takeType();
  in.flags = mode == "all" ? 0 : mode == "any" ? 1 : mode == "uni" ? 2 : 3;
  in.d = target(operand(0), mode == "ballot" ? 4 : 0);
  in.a = predicateSource(operand(1));
  in.e = source(operand(2), Type::b32);
  in.kind = Class::shuffle;
  in.run = voteLanes;
}

void Decoder::match(Instr& in, Modifiers& m) {
  bool all = m.take("all");
  if (!all && !m.take("any")) fail("'" + std::string(at_->opcode) + "' names no mode");
  m.take("sync");
  Type type = m.takeType();
  in.flags = (all ? 1u : 0u) | (ptx::bytesOf(type) == 8 ? 2u : 0u);
  const Operand& d = operand(0);
  in.d = target(isPair(0) ? d.items[0] : d, 4);
  if (isPair(0)) in.b = target(d.items[1], 0);
  in.a = source(operand(1), type);
  in.e = source(operand(2), Type::b32);
  in.kind = Class::shuffle;
  in.run = matchLanes;
}

void Decoder::redux(Instr& in, Modifiers& m) {
  m.take("sync");
  std::string_view op = m.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  bool abs = m.take("abs"), nan = m.take("NaN");
  Type type = m.takeType();
  uint32_t code = op == "add" ? 0 : op == "min" ? 1 : op == "max" ? 2 : op == "and" ? 3 : op == "or" ? 4 : 5;
  in.flags = code | (type == Type::s32 ? 8u : 0u) | (type == Type::f32 ? 16u : 0u) | (abs ? 32u : 0u) |
             (nan ? 64u : 0u);
  in.d = target(operand(0), 4);
  in.a = source(operand(1), type);
  in.e = source(operand(2), Type::b32);
  in.kind = Class::shuffle;
  in.run = reduceLanes;
}

void Decoder::activemask(Instr& in, Modifiers& m) {
  m.takeType();
  in.d = reg(operand(0), 4);
  in.kind = Class::shuffle;
  in.run = activeLanes;
}

void Decoder::elect(Instr& in, Modifiers& m) {
  m.take("sync");
  const Operand& d = operand(0);
  in.d = target(isPair(0) ? d.items[0] : d, 4);
  if (isPair(0)) in.b = target(d.items[1], 0);
  in.e = source(operand(1), Type::b32);
  in.kind = Class::shuffle;
  in.run = electLane;
}

}  // namespace softcuda
