// The PTX parser's parts: directives of the module, declarations, statements of a body.
#pragma once

#include <unordered_map>
#include <vector>

#include "ptx/ast.h"
#include "ptx/lexer.h"

namespace softcuda::ptx {

// What variable declarations at module and function level have in common.
class Declarations {
 public:
  explicit Declarations(Lexer& lexer) : lexer_(lexer) {}
  // After the space directive was taken: [.align n] [.v4] type name[..] [= init] {, name…} without the ';'.
  std::vector<Variable> variables(Space space, bool external);
  // A parenthesised list of parameters.
  std::vector<Variable> parameters();

 private:
  Variable parameter();
  void extents(Variable& variable);
  void initializer(Variable& variable);
  void initialElements(Variable& variable);
  Initial initialElement();
  Lexer& lexer_;
};

// Parses one function's body, from '{' on.
class BodyParser {
 public:
  BodyParser(Lexer& lexer, Module& module, Function& function);
  void parse();

 private:
  struct Name {
    bool isRegister = false;
    uint32_t id = 0;
    uint32_t count = 0;  // of a parameterised register range, from id on; 0: one name
  };
  struct PendingLabel {
    uint32_t instruction = 0, operand = 0;
    std::string_view name;
  };
  struct PendingTargets {
    std::string_view table;
    std::vector<std::string_view> names;
    uint32_t line = 0;
  };
  struct Scope {
    std::unordered_map<std::string_view, Name> names;
    std::unordered_map<std::string_view, uint32_t> labels;
    std::vector<PendingLabel> pending;
    std::vector<PendingTargets> tables;
  };

  void statement();
  void directive();
  void pragma();
  void registers();
  void label(std::string_view name);
  void location();
  void instruction();
  void callOperands(Instruction& instruction);
  Operand operand();
  Operand memory();
  Operand named(const Token& token);
  Operand sequence(Operand::Kind kind, char end);
  const Name* lookUp(std::string_view name, uint32_t* id) const;
  void declare(const Variable& variable);
  void closeScope();
  void resolveLabels(Scope& scope);

  Lexer& lexer_;
  Module& module_;
  Function& function_;
  Declarations declarations_;
  std::vector<Scope> scopes_;
  uint32_t location_ = 0;
  uint32_t usedBytes_ = 0;  // for the next instruction
};

}  // namespace softcuda::ptx
