// Integer and floating-point arithmetic, logic, comparisons.
#include <map>

#include "decode/decoder.h"

namespace softcuda {
namespace {

using ptx::Type;

// Operands by letter: T the type, W twice as wide, U .u32, P a predicate.
constexpr std::pair<std::string_view, std::string_view> kSignatures[] = {
    {"add", "TTT"},       {"sub", "TTT"},     {"mul", "TTT"},   {"mul.wide", "WTT"}, {"mad", "TTTT"},
    {"mad.wide", "WTTW"}, {"div", "TTT"},     {"rem", "TTT"},   {"min", "TTT"},      {"max", "TTT"},
    {"neg", "TT"},        {"abs", "TT"},      {"mul24", "TTT"}, {"mad24", "TTTT"},   {"sad", "TTTT"},
    {"shl", "TTU"},       {"shr", "TTU"},     {"popc", "UT"},   {"clz", "UT"},       {"brev", "TT"},
    {"bfind", "UT"},      {"bfe", "TTUU"},    {"bfi", "TTTUU"}, {"bmsk", "TTT"},     {"szext", "TTT"},
    {"fns", "TTTT"},      {"shf", "TTTT"},    {"fma", "TTTT"},  {"sqrt", "TT"},      {"rsqrt", "TT"},
    {"rcp", "TT"},        {"ex2", "TT"},      {"lg2", "TT"},    {"sin", "TT"},       {"cos", "TT"},
    {"tanh", "TT"},       {"copysign", "TTT"}};

std::string_view signatureOf(std::string_view name) {
  for (const auto& [key, signature] : kSignatures)
    if (key == name) return signature;
  return {};
}

Class classOf(Type type) {
  if (type == Type::f32 || type == Type::f32x2) return Class::fp32;
  if (type == Type::f64) return Class::fp64;
  if (type == Type::pred) return Class::predicate;
  return ptx::isFloat(type) ? Class::half : Class::integer;
}

}  // namespace

void Decoder::operandsBySignature(Instr& in, std::string_view signature, Type type) {
  if (operands() != signature.size())
    fail("'" + std::string(at_->opcode) + "' has " + std::to_string(operands()) + " operands, " +
         std::to_string(signature.size()) + " are right");
  Ref* slots[] = {&in.d, &in.a, &in.b, &in.c, &in.e};
  for (size_t i = 0; i < signature.size(); ++i) {
    Type wants = type;
    if (signature[i] == 'W') wants = ptx::bitsOf(type) == 16 ? Type::b32 : Type::b64;
    if (signature[i] == 'U') wants = Type::u32;
    unsigned bytes = ptx::bytesOf(wants);
    if (i == 0)
      *slots[i] = reg(operand(0), bytes);
    else
      *slots[i] = signature[i] == 'P' ? predicateSource(operand(i)) : source(operand(i), wants);
  }
  in.kind = classOf(type);
}

void Decoder::arithmetic(Instr& in, Modifiers& m) {
  std::string name(m.base());
  std::string_view base = m.base();
  Type type = m.takeType();
  for (std::string_view part : {"shiftamt", "lo", "hi", "wide", "l", "r", "sat", "clamp", "wrap", "relu"})
    if (m.take(part)) name += "." + std::string(part);
  std::string_view signature = signatureOf(name);
  if (signature.empty()) signature = signatureOf(base);
  in.run = handler(name + "." + std::string(ptx::nameOf(type)));
  operandsBySignature(in, signature, type);
}

void Decoder::floating(Instr& in, Modifiers& m) {
  std::string base(m.base());
  if (m.peek("cc")) return carry(in, m);
  Modifiers look = m;
  Type type = look.takeType();
  if (!ptx::isFloat(type)) return arithmetic(in, m);
  if (type != Type::f32 && type != Type::f64) {
    m.takeType();
    return halfFloating(in, m, type);
  }
  m.takeType();
  if (base == "mad") base = "fma";
  Round round = Round::nearest;
  bool rounded = m.takeRound(&round);
  uint32_t flags = 0;
  if (m.take("ftz")) flags |= flag::ftz;
  if (m.take("sat")) flags |= flag::sat;
  if (m.take("NaN")) flags |= flag::nan;
  if (m.take("xorsign")) {
    if (!m.take("abs")) fail("'.xorsign' is written .xorsign.abs");
    flags |= flag::xorsignAbs;
  }
  std::string suffix = "." + std::string(ptx::nameOf(type));
  std::string approximate = m.take("approx") ? ".approx" : m.take("full") ? ".full" : "";
  bool unaryApproximation = !approximate.empty() && base != "div";
  bool always =
      base == "rsqrt" || base == "ex2" || base == "lg2" || base == "sin" || base == "cos" || base == "tanh";
  if (unaryApproximation || always) {
    if (!unaryApproximation) fail("'" + std::string(at_->opcode) + "' exists as .approx only");
    in.run = handler(base + ".approx" + ((flags & flag::ftz) != 0 ? ".ftz" : "") + suffix);
  } else if (rounded && round != Round::nearest) {
    in.run = handler(base + ".directed" + suffix);
    flags |= static_cast<uint32_t>(round);
  } else {
    bool three = (base == "min" || base == "max") && operands() == 4;
    in.run = handler(base + approximate + suffix + (flags != 0 || three ? "*" : ""));
  }
  in.flags = flags;
  bool extreme = base == "min" || base == "max";
  operandsBySignature(in, extreme && operands() == 4 ? "TTTT" : signatureOf(base), type);
}

void Decoder::halfFloating(Instr& in, Modifiers& m, Type type) {
  std::string base(m.base());
  Round round = Round::nearest;
  m.takeRound(&round);
  if (round != Round::nearest) fail("'" + std::string(at_->opcode) + "' rounds to nearest only");
  uint32_t flags = 0;
  if (m.take("ftz")) flags |= flag::ftz;
  if (m.take("sat")) flags |= flag::sat;
  if (m.take("relu")) flags |= flag::relu;
  if (m.take("NaN")) flags |= flag::nan;
  m.take("approx");
  if (m.take("xorsign") && m.take("abs")) flags |= flag::xorsignAbs;
  bool three = (base == "min" || base == "max") && operands() == 4;
  in.run = handler(base + "." + std::string(ptx::nameOf(type)));
  in.flags = flags;
  operandsBySignature(in, three ? "TTTT" : signatureOf(base), type);
}

void Decoder::carry(Instr& in, Modifiers& m) {
  std::string base(m.base());
  bool reads = base.back() == 'c';
  if (reads) base.pop_back();
  bool writes = m.take("cc");
  in.flags = (reads ? 1u : 0u) | (writes ? 2u : 0u);
  std::string half;
  if (base == "mad") half = m.take("hi") ? ".hi" : m.take("lo") ? ".lo" : "";
  Type type = m.takeType();
  in.run = handler(base + "cc" + half + "." + std::string(ptx::nameOf(type)));
  operandsBySignature(in, base == "mad" ? "TTTT" : "TTT", type);
}

void Decoder::logic(Instr& in, Modifiers& m) {
  std::string base(m.base());
  Type type = m.takeType();
  in.run = handler(base + "." + std::string(ptx::nameOf(type)));
  in.kind = classOf(type);
  bool unary = base == "not" || base == "cnot";
  if (operands() != (unary ? 2u : 3u))
    fail("'" + std::string(at_->opcode) + "' has the wrong number of operands");
  bool isPredicate = type == Type::pred;
  in.d = reg(operand(0), isPredicate ? 0 : ptx::bytesOf(type));
  in.a = isPredicate ? predicateSource(operand(1)) : source(operand(1), type);
  if (!unary) in.b = isPredicate ? predicateSource(operand(2)) : source(operand(2), type);
}

void Decoder::dot(Instr& in, Modifiers& m) {
  std::string base(m.base());
  std::string half = m.take("lo") ? ".lo" : m.take("hi") ? ".hi" : "";
  Type a = m.takeType(), b = m.takeType();
  in.run = handler(base + half + "." + std::string(ptx::nameOf(a)) + "." + std::string(ptx::nameOf(b)));
  operandsBySignature(in, "TTTT", Type::b32);
}

void Decoder::prmt(Instr& in, Modifiers& m) {
  m.takeType();
  std::string_view mode = m.takeOneOf({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  in.run = handler(mode.empty() ? "prmt.b32" : "prmt.b32." + std::string(mode));
  operandsBySignature(in, "TTTT", Type::b32);
}

void Decoder::video(Instr& in, Modifiers& m) {
  in.run = handler(std::string(m.base()));
  Type d = m.takeType(), a = m.takeType(), b = m.takeType();
  operandsBySignature(in, "TTTT", Type::b32);
  in.flags = (ptx::isSigned(d) ? 1u : 0u) | (ptx::isSigned(a) ? 2u : 0u) | (ptx::isSigned(b) ? 4u : 0u) |
             (m.take("sat") ? 8u : 0u) | (m.take("add") ? 16u : 0u);
}

void Decoder::lop3(Instr& in, Modifiers& m) {
  m.takeType();
  if (operands() != 5) fail("'" + std::string(at_->opcode) + "' takes d, a, b, c and a table");
  in.run = handler("lop3.b32");
  in.kind = Class::integer;
  in.d = reg(operand(0), 4);
  in.a = source(operand(1), Type::b32), in.b = source(operand(2), Type::b32),
  in.c = source(operand(3), Type::b32);
  in.flags = static_cast<uint32_t>(immediate(operand(4))) & 0xff;
}

void Decoder::setp(Instr& in, Modifiers& m) {
  std::string base(m.base());
  std::string comparison(m.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ",
                                      "neu", "ltu", "leu", "gtu", "geu", "num", "nan"}));
  if (comparison.empty()) fail("'" + std::string(at_->opcode) + "' names no comparison");
  std::string_view combination = m.takeOneOf({"and", "or", "xor"});
  in.flags = combination == "and" ? 1 : combination == "or" ? 2 : combination == "xor" ? 3 : 0;
  std::string ftz = m.take("ftz") ? ".ftz" : "";
  Type result = base == "set" ? m.takeType() : Type::pred;
  Type type = m.takeType();
  if (type != Type::f32) ftz.clear();
  in.run = handler(base + "." + comparison + ftz + "." + std::string(ptx::nameOf(type)));
  in.kind = classOf(type);
  const Operand& d = operand(0);
  if (base == "set") {
    if (result == Type::f32) in.flags |= 4;
    bool half = ptx::isFloat(type) && type != Type::f32 && type != Type::f64;
    uint32_t one = result == Type::f16 || result == Type::f16x2     ? 0x3c00
                   : result == Type::bf16 || result == Type::bf16x2 ? 0x3f80
                                                                    : 0xffff;
    if (half) in.flags |= one << 8;
    in.d = reg(d, ptx::bytesOf(result));
  } else if (isPair(0)) {
    in.d = target(d.items[0], 0), in.e = target(d.items[1], 0);
  } else {
    in.d = target(d, 0);
  }
  in.a = source(operand(1), type), in.b = source(operand(2), type);
  if (!combination.empty()) in.c = predicateSource(operand(3));
}

void Decoder::selp(Instr& in, Modifiers& m) {
  static const std::map<unsigned, std::string> widths{{16, ".b16"}, {32, ".b32"}, {64, ".b64"}};
  std::string base(m.base());
  m.take("ftz");
  Type type = m.takeType();
  std::string name = base + widths.at(ptx::bitsOf(type));
  Type chooser = base == "slct" ? m.takeType() : Type::pred;
  if (base == "slct") name += "." + std::string(ptx::nameOf(chooser));
  in.run = handler(name);
  in.kind = classOf(type);
  in.d = reg(operand(0), ptx::bytesOf(type));
  in.a = source(operand(1), type), in.b = source(operand(2), type);
  in.c = chooser == Type::pred ? predicateSource(operand(3)) : source(operand(3), chooser);
}

void Decoder::testp(Instr& in, Modifiers& m) {
  std::string kind(m.takeOneOf({"finite", "infinite", "number", "notanumber", "normal", "subnormal"}));
  Type type = m.takeType();
  in.run = handler("testp." + kind + "." + std::string(ptx::nameOf(type)));
  in.kind = classOf(type);
  in.d = reg(operand(0), 0);
  in.a = source(operand(1), type);
}

}  // namespace softcuda
