// Turns a parsed function into instructions with handlers.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "decode/modifiers.h"
#include "lanes/lanes.h"
#include "program/details.h"
#include "program/program.h"
#include "ptx/ast.h"

namespace softcuda {

// Where a variable of the module lies: its address in its own space, or its generic address for functions.
struct Symbol {
  ptx::Space space = ptx::Space::global;
  uint64_t address = 0;
  uint64_t bytes = 0;
  bool dynamicShared = false;  // its address depends on the kernel that runs
  bool function = false;
};
using Symbols = std::unordered_map<std::string_view, Symbol>;

// What decoding needs to know of the module around a function.
struct ModuleContext {
  const ptx::Module* parsed = nullptr;
  ModuleProgram* program = nullptr;
  Symbols symbols;
  std::unordered_map<std::string_view, const ptx::Function*> declarations;
};

class Decoder {
 public:
  // `sharedBase`: where the function's own shared variables begin.
  Decoder(ModuleContext& module, const ptx::Function& parsed, Function& out, uint32_t sharedBase);
  void decode();
  uint32_t sharedBytes() const { return sharedBytes_; }  // of the function's own variables

 private:
  using Operand = ptx::Operand;
  using Type = ptx::Type;
  using Space = ptx::Space;
  using Method = void (Decoder::*)(Instr&, Modifiers&);

  // operands.cpp
  void layOut();
  Ref reg(const Operand& operand, unsigned bytes);  // must be a register of that width
  Ref anyReg(const Operand& operand, unsigned* bytes);
  Ref target(const Operand& operand, unsigned bytes);  // a destination; kNoRef for '_'
  Ref source(const Operand& operand, Type type);  // a register, an immediate, a special register, an address
  Ref predicateSource(const Operand& operand);
  Ref constant(uint64_t bits, unsigned bytes);
  Ref special(const Operand& operand, unsigned bytes);
  Ref frameValue(Special special, unsigned bytes, uint64_t offset);
  Ref address(const Operand& operand, unsigned bytes);
  uint64_t immediate(const Operand& operand) const;
  const Operand& operand(size_t index) const;
  size_t operands() const { return at_->operands.size(); }
  bool isPair(size_t index) const { return operand(index).kind == Operand::Kind::pair; }
  unsigned registerBytes(const Operand& operand) const;
  [[noreturn]] void fail(const std::string& what) const;
  Handler handler(const std::string& name) const;
  template <class D>
  D& detail(Instr& in) {
    auto made = std::make_unique<D>();
    D& reference = *made;
    in.detail = made.get();
    out_.details.push_back(std::move(made));
    return reference;
  }

  // decode.cpp
  static const std::map<std::string_view, Method>& table();
  void one(const ptx::Instruction& parsed);

  // arithmetic.cpp
  void arithmetic(Instr&, Modifiers&);
  void operandsBySignature(Instr& in, std::string_view signature, Type type);
  void floating(Instr&, Modifiers&);
  void halfFloating(Instr& in, Modifiers& m, Type type);
  void carry(Instr&, Modifiers&);
  void logic(Instr&, Modifiers&);
  void dot(Instr&, Modifiers&);
  void prmt(Instr&, Modifiers&);
  void video(Instr&, Modifiers&);
  void lop3(Instr&, Modifiers&);
  void setp(Instr&, Modifiers&);
  void selp(Instr&, Modifiers&);
  void mov(Instr&, Modifiers&);
  void cvt(Instr&, Modifiers&);
  void cvtPack(Instr&, Modifiers&);
  void testp(Instr&, Modifiers&);

  // control.cpp
  void bra(Instr&, Modifiers&);
  void brx(Instr&, Modifiers&);
  void call(Instr&, Modifiers&);
  void ret(Instr&, Modifiers&);
  void simpleControl(Instr&, Modifiers&);
  void bar(Instr&, Modifiers&);
  void warpSync(Instr&, Modifiers&);
  void noOperation(Instr&, Modifiers&);

  // memory.cpp
  void load(Instr&, Modifiers&);
  void storeTo(Instr&, Modifiers&);
  void loadStore(Instr& in, Modifiers& m, bool isLoad);
  void cvta(Instr&, Modifiers&);
  void isspacep(Instr&, Modifiers&);
  void atom(Instr&, Modifiers&);
  void fence(Instr&, Modifiers&);
  void cacheHint(Instr&, Modifiers&);
  Space takeSpace(Modifiers& m) const;

  // warp.cpp
  void shfl(Instr&, Modifiers&);
  void vote(Instr&, Modifiers&);
  void match(Instr&, Modifiers&);
  void redux(Instr&, Modifiers&);
  void activemask(Instr&, Modifiers&);
  void elect(Instr&, Modifiers&);

  // matrix.cpp
  void mma(Instr&, Modifiers&);
  void wmma(Instr&, Modifiers&);
  void wmmaMove(Instr& in, Modifiers& m, bool isLoad);
  void ldmatrix(Instr&, Modifiers&);
  void movmatrix(Instr&, Modifiers&);
  void fill(Fragment& fragment, const Operand& operand, Type type, unsigned rows, unsigned columns,
            bool accumulator);

  // copy.cpp
  void cpAsync(Instr&, Modifiers&);
  void cpAsyncBulk(Instr&, Modifiers&);
  void mbarrier(Instr&, Modifiers&);
  void setAddress(MemoryDetail& detail, const Operand& operand, Space space);

  ModuleContext& module_;
  const ptx::Function& parsed_;
  Function& out_;
  uint32_t sharedBase_, sharedBytes_ = 0;
  const ptx::Instruction* at_ = nullptr;
  std::vector<Ref> registers_;
  std::vector<uint32_t> occurrences_;  // of each register in the function
  std::vector<uint64_t> variables_;    // address of each in its space
  std::map<std::pair<uint64_t, unsigned>, Ref> constants_;
  std::map<std::pair<std::pair<int, unsigned>, uint64_t>, Ref> frameValues_;
};

}  // namespace softcuda
