// Registers, immediates, special registers and addresses become references into a frame.
#include <algorithm>
#include <cstring>

#include "decode/decoder.h"
#include "ptx/lexer.h"

namespace softcuda {
namespace {

uint32_t aligned(uint64_t value, uint64_t to) { return static_cast<uint32_t>((value + to - 1) / to * to); }

// Bytes of one lane of a register. Predicates are one 32-bit mask for the warp.
unsigned laneBytes(ptx::Type type) {
  if (type == ptx::Type::pred) return 0;
  return std::max(2u, ptx::bytesOf(type));
}

struct SpecialName {
  std::string_view name;
  Special special;
};
constexpr SpecialName kSpecials[] = {{"%tid.x", Special::tidX},
                                     {"%tid.y", Special::tidY},
                                     {"%tid.z", Special::tidZ},
                                     {"%ntid.x", Special::ntidX},
                                     {"%ntid.y", Special::ntidY},
                                     {"%ntid.z", Special::ntidZ},
                                     {"%ctaid.x", Special::ctaidX},
                                     {"%ctaid.y", Special::ctaidY},
                                     {"%ctaid.z", Special::ctaidZ},
                                     {"%nctaid.x", Special::nctaidX},
                                     {"%nctaid.y", Special::nctaidY},
                                     {"%nctaid.z", Special::nctaidZ},
                                     {"%laneid", Special::laneid},
                                     {"%warpid", Special::warpid},
                                     {"%nwarpid", Special::nwarpid},
                                     {"%smid", Special::smid},
                                     {"%nsmid", Special::nsmid},
                                     {"%gridid", Special::gridid},
                                     {"%lanemask_eq", Special::lanemaskEq},
                                     {"%lanemask_le", Special::lanemaskLe},
                                     {"%lanemask_lt", Special::lanemaskLt},
                                     {"%lanemask_ge", Special::lanemaskGe},
                                     {"%lanemask_gt", Special::lanemaskGt},
                                     {"%dynamic_smem_size", Special::dynamicSmemSize},
                                     {"%total_smem_size", Special::totalSmemSize},
                                     // Where cooperative_groups look for the grid's barrier.
                                     {"%envreg1", Special::gridWorkspaceHigh},
                                     {"%envreg2", Special::gridWorkspaceLow},
                                     // Without clusters every CTA is a cluster of its own.
                                     {"%clusterid.x", Special::ctaidX},
                                     {"%clusterid.y", Special::ctaidY},
                                     {"%clusterid.z", Special::ctaidZ},
                                     {"%nclusterid.x", Special::nctaidX},
                                     {"%nclusterid.y", Special::nctaidY},
                                     {"%nclusterid.z", Special::nctaidZ},
                                     {"%cluster_ctaid.x", Special::zero},
                                     {"%cluster_ctaid.y", Special::zero},
                                     {"%cluster_ctaid.z", Special::zero},
                                     {"%cluster_nctaid.x", Special::one},
                                     {"%cluster_nctaid.y", Special::one},
                                     {"%cluster_nctaid.z", Special::one},
                                     {"%cluster_ctarank", Special::zero},
                                     {"%cluster_nctarank", Special::one}};

}  // namespace

Decoder::Decoder(ModuleContext& module, const ptx::Function& parsed, Function& out, uint32_t sharedBase)
    : module_(module), parsed_(parsed), out_(out), sharedBase_(sharedBase) {}

void Decoder::fail(const std::string& what) const {
  ptx::failAt(at_ == nullptr ? parsed_.line : at_->line, what);
}

Handler Decoder::handler(const std::string& name) const {
  Handler found = handlerNamed(name);
  if (found == nullptr) fail("'" + std::string(at_->opcode) + "' is not supported (no " + name + ")");
  return found;
}

void Decoder::layOut() {
  uint32_t frame = 0;
  registers_.resize(parsed_.registers.size());
  occurrences_.assign(parsed_.registers.size(), 0);
  std::function<void(const Operand&)> mark = [&](const Operand& each) {
    if (each.kind == Operand::Kind::reg) ++occurrences_[each.id];
    for (const Operand& item : each.items) mark(item);
  };
  for (const ptx::Instruction& each : parsed_.body) {
    if (each.guarded) ++occurrences_[each.guard];
    for (const Operand& operand : each.operands) mark(operand);
  }
  for (size_t i = 0; i < registers_.size(); ++i) {
    if (occurrences_[i] == 0) continue;
    unsigned bytes = laneBytes(parsed_.registers[i]);
    frame = aligned(frame, bytes == 0 ? 4 : 64);
    registers_[i] = frame;
    frame += bytes == 0 ? 4 : 32 * bytes;
  }
  out_.frameBytes = aligned(frame, 64);
  uint32_t params = 0, local = 0, shared = sharedBase_;
  variables_.resize(parsed_.variables.size());
  size_t formals = parsed_.parameters.size(), results = formals + parsed_.returns.size();
  for (size_t i = 0; i < parsed_.variables.size(); ++i) {
    const ptx::Variable& each = parsed_.variables[i];
    uint32_t& at = each.space == Space::param ? params : each.space == Space::local ? local : shared;
    if (each.space == Space::global || each.space == Space::constant) continue;
    at = aligned(at, std::max(each.align, 1u));
    variables_[i] = at;
    uint32_t bytes = static_cast<uint32_t>(each.bytes);
    if (i < formals)
      out_.formals.emplace_back(at, bytes);
    else if (i < results)
      out_.results.emplace_back(at, bytes);
    at += bytes;
  }
  out_.paramBytes = aligned(params, 16);
  out_.localBytes = aligned(local, 16);
  sharedBytes_ = shared - sharedBase_;
}

const ptx::Operand& Decoder::operand(size_t index) const {
  if (index >= at_->operands.size()) fail("'" + std::string(at_->opcode) + "' needs more operands");
  return at_->operands[index];
}

unsigned Decoder::registerBytes(const Operand& operand) const {
  return operand.kind == Operand::Kind::reg ? laneBytes(parsed_.registers[operand.id]) : 0;
}

Ref Decoder::anyReg(const Operand& operand, unsigned* bytes) {
  if (operand.kind != Operand::Kind::reg)
    fail("a register is expected in '" + std::string(at_->opcode) + "'");
  *bytes = registerBytes(operand);
  return registers_[operand.id];
}

Ref Decoder::reg(const Operand& operand, unsigned bytes) {
  unsigned has = 0;
  Ref ref = anyReg(operand, &has);
  if (has != bytes)
    fail("register " + std::string(operand.name) + " has " + std::to_string(8 * has) + " bits, '" +
         std::string(at_->opcode) + "' wants " + std::to_string(8 * bytes));
  return ref;
}

Ref Decoder::target(const Operand& operand, unsigned bytes) {
  return operand.kind == Operand::Kind::sink ? kNoRef : reg(operand, bytes);
}

Ref Decoder::constant(uint64_t bits, unsigned bytes) {
  if (bytes < 8) bits &= (1ull << 8 * std::max(bytes, 1u)) - 1;
  auto [known, fresh] = constants_.emplace(std::pair(bits, bytes), 0);
  if (!fresh) return known->second;
  size_t at = out_.constants.size() * 8;
  size_t size = bytes == 0 ? 8 : 32 * bytes;
  out_.constants.resize((at + aligned(size, 64)) / 8);
  auto* memory = reinterpret_cast<std::byte*>(out_.constants.data()) + at;
  if (bytes == 0) {
    uint32_t mask = bits != 0 ? ~0u : 0;
    std::memcpy(memory, &mask, 4);
  }
  for (unsigned lane = 0; bytes != 0 && lane < 32; ++lane) std::memcpy(memory + lane * bytes, &bits, bytes);
  return known->second = kConstant | static_cast<Ref>(at);
}

uint64_t Decoder::immediate(const Operand& operand) const {
  if (operand.kind != Operand::Kind::integer)
    fail("an integer constant is expected in '" + std::string(at_->opcode) + "'");
  return operand.bits;
}

Ref Decoder::frameValue(Special special, unsigned bytes, uint64_t offset) {
  auto [known, fresh] =
      frameValues_.emplace(std::pair(std::pair(static_cast<int>(special), bytes), offset), 0);
  if (!fresh) return known->second;
  known->second = out_.frameBytes;
  out_.frameBytes += 32 * bytes;
  out_.frameValues.push_back({special, known->second, bytes == 8, offset});
  return known->second;
}

Ref Decoder::special(const Operand& operand, unsigned bytes) {
  for (const SpecialName& each : kSpecials)
    if (each.name == operand.name) return frameValue(each.special, bytes == 2 ? 4 : bytes, 0);
  if (operand.name.substr(0, 7) == "%envreg" || operand.name == "%is_explicit_cluster" ||
      operand.name.substr(0, 3) == "%pm")
    return constant(0, bytes);
  fail("special register " + std::string(operand.name) + " is not supported");
}

// The address of a variable in its own space.
Ref Decoder::address(const Operand& operand, unsigned bytes) {
  uint64_t offset = static_cast<uint64_t>(operand.offset);
  if (operand.kind == Operand::Kind::variable) {
    const ptx::Variable& variable = parsed_.variables[operand.id];
    if (variable.space == Space::local)
      return frameValue(Special::localVariable, bytes, variables_[operand.id] + offset);
    return constant(variables_[operand.id] + offset, bytes);
  }
  auto found = module_.symbols.find(operand.name);
  if (found == module_.symbols.end()) fail("unknown name '" + std::string(operand.name) + "'");
  if (found->second.dynamicShared) return frameValue(Special::dynamicShared, bytes, offset);
  return constant(found->second.address + offset, bytes);
}

Ref Decoder::source(const Operand& operand, Type type) {
  unsigned bytes = laneBytes(type);
  switch (operand.kind) {
    case Operand::Kind::reg:
      return reg(operand, bytes);
    case Operand::Kind::integer: {
      if (!ptx::isFloat(type) || ptx::bitsOf(type) == 16) return constant(operand.bits, bytes);
      fail("an integer is no operand of a floating-point instruction");
    }
    case Operand::Kind::real: {
      if (type == Type::f64 || type == Type::b64) {
        if (!operand.single) return constant(operand.bits, 8);
        float narrow;
        std::memcpy(&narrow, &operand.bits, 4);
        double wide = narrow;
        uint64_t bits;
        std::memcpy(&bits, &wide, 8);
        return constant(bits, 8);
      }
      if (operand.single) return constant(operand.bits, 4);
      double wide;
      std::memcpy(&wide, &operand.bits, 8);
      float narrow = static_cast<float>(wide);
      uint32_t bits;
      std::memcpy(&bits, &narrow, 4);
      return constant(bits, 4);
    }
    case Operand::Kind::special:
      return special(operand, bytes);
    case Operand::Kind::variable:
    case Operand::Kind::symbol:
      return address(operand, bytes);
    default:
      fail("'" + std::string(at_->opcode) + "' has an operand of the wrong kind");
  }
}

Ref Decoder::predicateSource(const Operand& operand) {
  if (operand.kind == Operand::Kind::integer) return constant(operand.bits != 0 ? 1 : 0, 0);
  return reg(operand, 0) | (operand.negated ? kNegated : 0);
}

}  // namespace softcuda
