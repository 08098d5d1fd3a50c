// Matrix products and the moves of their operands.
#include <cctype>

#include "decode/decoder.h"
#include "execute/handlers.h"

namespace softcuda {
namespace {

using ptx::Space;
using ptx::Type;

// "m16n8k16"
bool shapeOf(std::string_view text, unsigned* m, unsigned* n, unsigned* k) {
  unsigned* values[] = {m, n, k};
  size_t at = 0;
  for (int i = 0; i < 3; ++i) {
    if (at >= text.size() || text[at] != "mnk"[i]) return false;
    *values[i] = 0;
    for (++at; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])); ++at)
      *values[i] = *values[i] * 10 + static_cast<unsigned>(text[at] - '0');
  }
  return at == text.size();
}

constexpr std::string_view kShapes[] = {"m16n8k4",   "m16n8k8",   "m16n8k16", "m16n8k32", "m16n8k64",
                                        "m16n8k128", "m16n8k256", "m8n8k4",   "m8n8k16",  "m8n8k32",
                                        "m8n8k128",  "m16n16k16", "m16n16k8", "m32n8k16", "m8n32k16"};

std::string_view takeShape(Modifiers& m) {
  for (std::string_view each : kShapes)
    if (m.take(each)) return each;
  return {};
}

std::string productOf(Type a, Type d) {
  switch (a) {
    case Type::f64:
      return "f64";
    case Type::s8:
    case Type::u8:
    case Type::s4:
    case Type::u4:
      return "int";
    case Type::b1:
      return "b1";
    default:
      return d == Type::s32 ? "" : "float";
  }
}

}  // namespace

void Decoder::fill(Fragment& fragment, const Operand& operand, Type type, unsigned rows, unsigned columns,
                   bool accumulator) {
  fragment.type = type;
  fragment.rows = rows;
  fragment.columns = columns;
  unsigned registerBits = type == Type::f64 ? 64 : 32;
  fragment.perLane = accumulator ? 2 : registerBits / ptx::bitsOf(type);
  std::vector<Operand> single{operand};
  const std::vector<Operand>& items = operand.kind == Operand::Kind::vector ? operand.items : single;
  for (const Operand& each : items) {
    unsigned bytes = 0;
    fragment.registers.push_back(anyReg(each, &bytes));
    if (bytes != registerBits / 8)
      fail("a register of '" + std::string(at_->opcode) + "' has the wrong width");
  }
  unsigned registersPerTile = accumulator && ptx::bitsOf(type) != 16 ? 2 : 1;
  unsigned tiles = fragment.tiles();
  if (tiles == 0 || items.size() % registersPerTile != 0 || (items.size() / registersPerTile) % tiles != 0)
    fail("'" + std::string(at_->opcode) + "' has " + std::to_string(items.size()) +
         " registers for a matrix of " + std::to_string(rows) + " x " + std::to_string(columns));
}

void Decoder::mma(Instr& in, Modifiers& m) {
  MmaDetail& detail = this->detail<MmaDetail>(in);
  bool plain = m.take("sync");
  m.take("aligned");
  std::string_view shape = takeShape(m);
  if (!plain || !shapeOf(shape, &detail.m, &detail.n, &detail.k))
    fail("'" + std::string(at_->opcode) + "' is not supported");
  bool row = m.take("row"), col = m.take("col");
  if (!row || !col) fail("'" + std::string(at_->opcode) + "': only .row.col is supported");
  detail.saturate = m.take("satfinite");
  detail.andPopc = m.take("and");
  if (m.take("xor") || detail.andPopc) m.take("popc");
  Type d = m.takeType(), a = m.takeType(), b = m.takeType(), c = m.takeType();
  if (shape == "m8n8k4" && a != Type::f64)
    fail("'" + std::string(at_->opcode) + "' (mma of the first generation) is not supported");
  fill(detail.d, operand(0), d, detail.m, detail.n, true);
  fill(detail.a, operand(1), a, detail.m, detail.k, false);
  fill(detail.b, operand(2), b, detail.n, detail.k, false);
  fill(detail.c, operand(3), c, detail.m, detail.n, true);
  in.kind = Class::mma;
  in.run = handler("mma." + productOf(a, d));
}

void Decoder::wmma(Instr& in, Modifiers& m) {
  if (m.take("load")) return wmmaMove(in, m, true);
  if (m.take("store")) return wmmaMove(in, m, false);
  if (!m.take("mma")) fail("'" + std::string(at_->opcode) + "' is not supported");
  MmaDetail& detail = this->detail<MmaDetail>(in);
  detail.andPopc = m.take("and");
  if (m.take("xor") || detail.andPopc) m.take("popc");
  m.take("sync"), m.take("aligned");
  // How memory held the operands does not matter any more: fragments are loaded into one arrangement.
  m.take("row"), m.take("row"), m.take("col"), m.take("col");
  if (!shapeOf(takeShape(m), &detail.m, &detail.n, &detail.k))
    fail("'" + std::string(at_->opcode) + "' has an unknown shape");
  detail.saturate = m.take("satfinite");
  m.take("rn");
  Type d = m.takeType(), second = m.takeType(), third = m.takeTypeIf(), fourth = m.takeTypeIf();
  // wmma.mma of f16 names only the types of d and c.
  bool halves = third == Type::none;
  Type a = halves ? Type::f16 : second, b = halves ? Type::f16 : third, c = halves ? second : fourth;
  fill(detail.d, operand(0), d, detail.m, detail.n, true);
  fill(detail.a, operand(1), a, detail.m, detail.k, false);
  fill(detail.b, operand(2), b, detail.n, detail.k, false);
  fill(detail.c, operand(3), c, detail.m, detail.n, true);
  in.kind = Class::mma;
  in.run = handler("mma." + productOf(a, d));
}

void Decoder::wmmaMove(Instr& in, Modifiers& m, bool isLoad) {
  FragmentDetail& detail = this->detail<FragmentDetail>(in);
  std::string_view which = m.takeOneOf({"a", "b", "c", "d"});
  m.take("sync"), m.take("aligned");
  bool columns = m.take("col");
  if (!columns) m.take("row");
  unsigned shapeM, shapeN, shapeK;
  if (!shapeOf(takeShape(m), &shapeM, &shapeN, &shapeK))
    fail("'" + std::string(at_->opcode) + "' has an unknown shape");
  Space space = takeSpace(m);
  Type type = m.takeType();
  bool accumulator = which == "c" || which == "d";
  unsigned rows = which == "b" ? shapeN : shapeM, width = accumulator ? shapeN : shapeK;
  fill(detail.fragment, operand(isLoad ? 0 : 1), type, rows, width, accumulator);
  // B is held transposed, so its columns in memory are the fragment's rows.
  detail.transposed = which == "b" ? !columns : columns;
  detail.contiguous = !detail.transposed && !(accumulator && ptx::bitsOf(type) != 16);
  setAddress(detail, operand(isLoad ? 1 : 0), space);
  if (operands() > 2) detail.stride = source(operand(2), Type::u32);
  if (ptx::bitsOf(type) < 8 && detail.transposed)
    fail("'" + std::string(at_->opcode) + "': elements of less than a byte lie row by row");
  in.kind = isLoad ? Class::load : Class::store;
  in.run = isLoad ? loadFragment : storeFragment;
}

void Decoder::ldmatrix(Instr& in, Modifiers& m) {
  MatrixDetail& detail = this->detail<MatrixDetail>(in);
  bool isLoad = m.base() == "ldmatrix";
  m.take("sync"), m.take("aligned");
  if (!m.take("m8n8")) fail("'" + std::string(at_->opcode) + "': only .m8n8 is supported");
  std::string_view count = m.takeOneOf({"x1", "x2", "x4"});
  if (count.empty()) fail("'" + std::string(at_->opcode) + "' names no number of matrices");
  detail.matrices = static_cast<unsigned>(count[1] - '0');
  detail.transposed = m.take("trans");
  Space space = takeSpace(m);
  if (m.takeType() != Type::b16) fail("'" + std::string(at_->opcode) + "': only .b16 is supported");
  const Operand& value = operand(isLoad ? 0 : 1);
  std::vector<Operand> single{value};
  for (const Operand& each : value.kind == Operand::Kind::vector ? value.items : single)
    detail.registers.push_back(reg(each, 4));
  if (detail.registers.size() != detail.matrices)
    fail("'" + std::string(at_->opcode) + "' has the wrong number of registers");
  detail.width = 16;
  setAddress(detail, operand(isLoad ? 1 : 0), space);
  in.kind = Class::shared;
  in.run = isLoad ? loadMatrix : storeMatrix;
}

void Decoder::movmatrix(Instr& in, Modifiers& m) {
  m.take("sync"), m.take("aligned"), m.take("m8n8"), m.take("trans");
  m.takeType();
  in.d = reg(operand(0), 4);
  in.a = source(operand(1), Type::b32);
  in.kind = Class::shuffle;
  in.run = moveMatrix;
}

}  // namespace softcuda
