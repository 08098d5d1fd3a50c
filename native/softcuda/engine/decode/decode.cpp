// The table of opcodes.
#include "decode/decoder.h"

namespace softcuda {

const std::map<std::string_view, Decoder::Method>& Decoder::table() {
  using D = Decoder;
  static const std::map<std::string_view, Method> methods = [] {
    std::map<std::string_view, Method> m;
    for (const char* name : {"mul24", "mad24", "sad", "shl", "shr", "popc", "clz", "brev", "bfind", "bfe",
                             "bfi", "bmsk", "szext", "fns", "shf", "rem"})
      m[name] = &D::arithmetic;
    for (const char* name : {"add", "sub", "mul", "mad", "div", "min", "max", "neg", "abs", "fma", "sqrt",
                             "rsqrt", "rcp", "ex2", "lg2", "sin", "cos", "tanh", "copysign"})
      m[name] = &D::floating;
    for (const char* name : {"addc", "subc", "madc"}) m[name] = &D::carry;
    for (const char* name : {"and", "or", "xor", "not", "cnot"}) m[name] = &D::logic;
    m["dp4a"] = m["dp2a"] = &D::dot;
    for (const char* name : {"vadd2", "vadd4", "vsub2", "vsub4", "vavrg2", "vavrg4", "vabsdiff2", "vabsdiff4",
                             "vmin2", "vmin4", "vmax2", "vmax4"})
      m[name] = &D::video;
    m["prmt"] = &D::prmt, m["lop3"] = &D::lop3;
    m["setp"] = m["set"] = &D::setp;
    m["selp"] = m["slct"] = &D::selp;
    m["mov"] = &D::mov, m["cvt"] = &D::cvt, m["testp"] = &D::testp;
    m["bra"] = &D::bra, m["brx"] = &D::brx, m["call"] = &D::call;
    m["ret"] = m["exit"] = &D::ret;
    m["trap"] = m["brkpt"] = m["nanosleep"] = &D::simpleControl;
    m["bar"] = m["barrier"] = &D::bar;
    m["griddepcontrol"] = m["pmevent"] = m["setmaxnreg"] = &D::noOperation;
    m["ld"] = m["ldu"] = &D::load, m["st"] = &D::storeTo;
    m["cvta"] = &D::cvta, m["isspacep"] = &D::isspacep, m["mapa"] = &D::cvta;
    m["atom"] = m["red"] = &D::atom;
    m["membar"] = m["fence"] = &D::fence;
    m["prefetch"] = m["prefetchu"] = m["applypriority"] = m["discard"] = m["createpolicy"] = &D::cacheHint;
    m["shfl"] = &D::shfl, m["vote"] = &D::vote, m["match"] = &D::match, m["redux"] = &D::redux;
    m["activemask"] = &D::activemask, m["elect"] = &D::elect;
    m["mma"] = &D::mma, m["wmma"] = &D::wmma;
    m["ldmatrix"] = m["stmatrix"] = &D::ldmatrix, m["movmatrix"] = &D::movmatrix;
    m["cp"] = &D::cpAsync, m["mbarrier"] = &D::mbarrier;
    return m;
  }();
  return methods;
}

void Decoder::one(const ptx::Instruction& parsed) {
  at_ = &parsed;
  Modifiers modifiers(parsed.opcode, parsed.line);
  auto method = table().find(modifiers.base());
  if (method == table().end()) fail("opcode '" + std::string(parsed.opcode) + "' is not supported");
  Instr in;
  if (parsed.guarded) in.guard = registers_[parsed.guard] | (parsed.guardNegated ? kNegated : 0);
  (this->*method->second)(in, modifiers);
  modifiers.finish();
  if (in.run == nullptr) fail("opcode '" + std::string(parsed.opcode) + "' has no handler");
  out_.code.push_back(in);
  out_.lines.push_back({parsed.line, parsed.location});
  out_.opcodes.emplace_back(parsed.opcode);
}

void Decoder::decode() {
  out_.name = parsed_.name;
  out_.entry = parsed_.entry;
  layOut();
  out_.code.reserve(parsed_.body.size() + 1);
  for (const ptx::Instruction& each : parsed_.body) one(each);
  // A body may end without ret.
  ptx::Instruction end;
  end.opcode = "ret";
  end.line = parsed_.body.empty() ? parsed_.line : parsed_.body.back().line;
  one(end);
}

}  // namespace softcuda
