// Loading: parse, place variables, decode functions.
#include <algorithm>
#include <cstring>
#include <set>

#include "decode/decoder.h"
#include "program/flow.h"
#include "ptx/lexer.h"

namespace softcuda {

struct Module::State {
  std::string text;
  ptx::Module parsed;
  ModuleProgram program;
  std::unordered_map<std::string, std::pair<uint64_t, uint64_t>> globals;
  std::vector<std::unique_ptr<Kernel>> kernels;
  Memory* memory = nullptr;
  std::vector<uint64_t> allocated;

  ~State() {
    for (uint64_t base : allocated) memory->release(base);
  }
};

namespace {

using ptx::Space;

// Recursion and indirect calls: a stack as deep as the device's default allows several times over.
constexpr uint32_t kStackReserve = 16 << 10;

uint64_t alignedUp(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

class Loader {
 public:
  Loader(Module::State& state, Memory& memory, const DeviceLimits& limits)
      : state_(state), memory_(memory), limits_(limits) {
    context_.parsed = &state.parsed;
    context_.program = &state.program;
  }

  void load() {
    declareFunctions();
    placeVariables();
    for (const ptx::Variable* each : initialized_) initialize(*each);
    decodeFunctions();
    makeKernels();
    for (const auto& each : state_.parsed.locations)
      state_.program.locations.push_back({each.file, each.line, each.callerFile, each.callerLine});
    state_.program.files = state_.parsed.files;
  }

 private:
  void declareFunctions() {
    uint64_t address = window::code;
    for (const auto& each : state_.parsed.functions) {
      context_.declarations[each->name] = each.get();
      if (!each->defined) continue;
      auto function = std::make_unique<Function>();
      function->name = each->name;
      address += 16;
      context_.symbols[each->name] = {Space::global, address, 16, false, true};
      state_.program.byName[function->name] = function.get();
      state_.program.byAddress[address] = function.get();
      state_.program.functions.push_back(std::move(function));
    }
  }

  void placeGlobal(const ptx::Variable& variable) {
    uint64_t bytes = std::max<uint64_t>(variable.bytes, 1);
    uint64_t base = memory_.allocate(bytes, Memory::Space::device, "global " + std::string(variable.name));
    if (base == 0)
      ptx::failAt(variable.line,
                  "no memory for " + std::string(variable.name) + " (" + std::to_string(bytes) + " bytes)");
    state_.allocated.push_back(base);
    std::memset(reinterpret_cast<void*>(base), 0, bytes);
    memory_.markInitialized(base, bytes);
    context_.symbols[variable.name] = {variable.space, base, variable.bytes, false, false};
    state_.globals[std::string(variable.name)] = {base, variable.bytes};
    initialized_.push_back(&variable);
  }

  void placeVariables() {
    for (const ptx::Variable& variable : state_.parsed.variables) {
      if (variable.space == Space::shared) {
        if (variable.unsized || variable.bytes == 0) {
          context_.symbols[variable.name] = {Space::shared, 0, 0, true, false};
          continue;
        }
        commonShared_ = alignedUp(commonShared_, std::max(variable.align, 1u));
        context_.symbols[variable.name] = {Space::shared, commonShared_, variable.bytes, false, false};
        commonShared_ += variable.bytes;
      } else if (variable.space == Space::local) {
        ptx::failAt(variable.line, "a .local variable outside of functions is not supported");
      } else if (variable.external) {
        ptx::failAt(variable.line,
                    "the extern variable " + std::string(variable.name) + " is nowhere defined");
      } else {
        placeGlobal(variable);
      }
    }
    // Variables in function bodies that live in module memory.
    for (const auto& function : state_.parsed.functions)
      for (const ptx::Variable& variable : function->variables)
        if (variable.space == Space::global || variable.space == Space::constant) placeGlobal(variable);
  }

  void initialize(const ptx::Variable& variable) {
    uint64_t at = context_.symbols[variable.name].address;
    unsigned width = ptx::bytesOf(variable.type);
    for (const ptx::Initial& each : variable.initial) {
      uint64_t bits = each.bits;
      if (!each.symbol.empty()) {
        auto symbol = context_.symbols.find(each.symbol);
        if (symbol == context_.symbols.end())
          ptx::failAt(variable.line, "unknown name '" + std::string(each.symbol) + "' in an initialiser");
        bits += symbol->second.address;
        if (each.byteMask != 0) {
          unsigned byte = static_cast<unsigned>(__builtin_ctzll(each.byteMask)) / 8;
          bits = bits >> 8 * byte & 0xff;
        }
      } else if (each.real && width == 4 && !each.single) {
        double wide;
        std::memcpy(&wide, &bits, 8);
        float narrow = static_cast<float>(wide);
        bits = 0;
        std::memcpy(&bits, &narrow, 4);
      }
      std::memcpy(reinterpret_cast<void*>(at), &bits, std::min(width, 8u));
      at += width;
    }
  }

  void decodeFunctions() {
    size_t next = 0;
    // Device functions first: their shared variables lie with the module's, at the same place for every
    // kernel.
    std::vector<std::pair<const ptx::Function*, Function*>> entries;
    for (const auto& each : state_.parsed.functions) {
      if (!each->defined) continue;
      Function& out = *state_.program.functions[next++];
      preview(*each, out);
      if (each->entry)
        entries.emplace_back(each.get(), &out);
      else
        commonShared_ += decode(*each, out, static_cast<uint32_t>(commonShared_));
    }
    for (auto& [parsed, out] : entries)
      ownShared_[out] = decode(*parsed, *out, usesCommon(*parsed) ? static_cast<uint32_t>(commonShared_) : 0);
    for (auto& function : state_.program.functions) {
      fences_ = fences_ || hasFences(*function);
      function->countBase = state_.program.instructions;
      state_.program.instructions += static_cast<uint32_t>(function->code.size());
    }
  }

  static bool hasFences(const Function& function) {
    for (const std::string& opcode : function.opcodes)
      for (const char* word : {"membar", "fence", ".acq", ".rel"})
        if (opcode.find(word) != std::string::npos) return true;
    return false;
  }

  // Whatever a caller must know before the callee is decoded.
  void preview(const ptx::Function& parsed, Function& out) { out.entry = parsed.entry; }

  uint32_t decode(const ptx::Function& parsed, Function& out, uint32_t sharedBase) {
    Decoder decoder(context_, parsed, out, sharedBase);
    decoder.decode();
    findRejoins(out);
    return decoder.sharedBytes();
  }

  // Whether a kernel may reach shared variables that it has in common with others.
  bool usesCommon(const ptx::Function& kernel) const {
    if (commonShared_ == 0) return false;
    std::set<std::string_view> seen{kernel.name};
    std::vector<const ptx::Function*> todo{&kernel};
    while (!todo.empty()) {
      const ptx::Function* at = todo.back();
      todo.pop_back();
      bool common = false;
      for (const ptx::Instruction& in : at->body)
        for (const ptx::Operand& operand : in.operands) visit(operand, seen, todo, &common);
      if (common) return true;
      if (at != &kernel)
        for (const ptx::Variable& variable : at->variables)
          if (variable.space == Space::shared) return true;
    }
    return false;
  }

  void visit(const ptx::Operand& operand, std::set<std::string_view>& seen,
             std::vector<const ptx::Function*>& todo, bool* common) const {
    for (const ptx::Operand& item : operand.items) visit(item, seen, todo, common);
    if (operand.kind != ptx::Operand::Kind::symbol) return;
    auto symbol = context_.symbols.find(operand.name);
    if (symbol == context_.symbols.end()) return;
    if (symbol->second.space == Space::shared && !symbol->second.dynamicShared) *common = true;
    auto function = context_.declarations.find(operand.name);
    if (function != context_.declarations.end() && seen.insert(operand.name).second)
      todo.push_back(function->second);
  }

  // Bytes of local memory on the deepest path of calls; recursion and indirect calls get a reserve.
  uint32_t stackOf(const Function& function, std::set<const Function*>& path, bool* open) const {
    if (!path.insert(&function).second) {
      *open = true;
      return 0;
    }
    uint32_t deepest = 0;
    for (const Function* callee : function.callees) deepest = std::max(deepest, stackOf(*callee, path, open));
    for (const Instr& in : function.code)
      if (const auto* call = dynamic_cast<const CallDetail*>(in.detail);
          call != nullptr && call->pointer != kNoRef)
        *open = true;
    path.erase(&function);
    return function.localBytes + deepest;
  }

  void makeKernels() {
    size_t next = 0;
    for (const auto& each : state_.parsed.functions) {
      if (!each->defined) continue;
      const Function& function = *state_.program.functions[next++];
      if (!each->entry) continue;
      auto kernel = std::make_unique<Kernel>();
      kernel->function = &function;
      kernel->program = &state_.program;
      KernelInfo& info = kernel->info;
      info.name = function.name;
      for (const auto& formal : function.formals) {
        info.parameters.push_back(formal);
        info.parameterBytes = std::max(info.parameterBytes, formal.first + formal.second);
      }
      info.staticShared =
          (usesCommon(*each) ? static_cast<uint32_t>(commonShared_) : 0) + ownShared_[&function];
      bool open = false;
      std::set<const Function*> path;
      info.localBytes = stackOf(function, path, &open) + (open ? kStackReserve : 0);
      info.maxThreads = each->maxThreads != 0 ? std::min(each->maxThreads, limits_.maxThreadsPerCta)
                                              : limits_.maxThreadsPerCta;
      std::set<std::string> opcodes(function.opcodes.begin(), function.opcodes.end());
      info.opcodes.assign(opcodes.begin(), opcodes.end());
      kernel->usesFences = fences_;
      state_.kernels.push_back(std::move(kernel));
    }
  }

  Module::State& state_;
  Memory& memory_;
  const DeviceLimits& limits_;
  ModuleContext context_;
  uint64_t commonShared_ = 0;
  bool fences_ = false;
  std::unordered_map<const Function*, uint32_t> ownShared_;
  std::vector<const ptx::Variable*> initialized_;
};

}  // namespace

Module::Module() : state_(std::make_unique<State>()) {}
Module::~Module() = default;

std::unique_ptr<Module> Module::load(std::string_view text, Memory& memory, const DeviceLimits& limits) {
  std::unique_ptr<Module> module(new Module);
  State& state = *module->state_;
  state.memory = &memory;
  state.text = std::string(text);
  state.parsed = ptx::parse(state.text);
  Loader(state, memory, limits).load();
  return module;
}

const Kernel* Module::kernel(std::string_view name) const {
  for (const auto& each : state_->kernels)
    if (each->info.name == name) return each.get();
  return nullptr;
}

std::vector<const Kernel*> Module::kernels() const {
  std::vector<const Kernel*> all;
  for (const auto& each : state_->kernels) all.push_back(each.get());
  return all;
}

bool Module::global(std::string_view name, uint64_t* address, uint64_t* bytes) const {
  auto found = state_->globals.find(std::string(name));
  if (found == state_->globals.end()) return false;
  if (address != nullptr) *address = found->second.first;
  if (bytes != nullptr) *bytes = found->second.second;
  return true;
}

const KernelInfo& info(const Kernel& kernel) { return kernel.info; }

}  // namespace softcuda
