#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "ptx/parser.h"

namespace softcuda::ptx {

BodyParser::BodyParser(Lexer& lexer, Module& module, Function& function)
    : lexer_(lexer), module_(module), function_(function), declarations_(lexer) {
  module_.locations.push_back({});
  location_ = static_cast<uint32_t>(module_.locations.size() - 1);
}

void BodyParser::declare(const Variable& variable) {
  uint32_t id = static_cast<uint32_t>(function_.variables.size());
  function_.variables.push_back(variable);
  scopes_.back().names[variable.name] = Name{false, id, 0};
}

void BodyParser::parse() {
  scopes_.emplace_back();
  for (const Variable& each : function_.parameters) declare(each);
  for (const Variable& each : function_.returns) declare(each);
  lexer_.expect('{');
  scopes_.emplace_back();
  while (scopes_.size() > 1) statement();
  resolveLabels(scopes_.back());
  if (!scopes_.back().pending.empty()) {
    const PendingLabel& first = scopes_.back().pending.front();
    failAt(function_.body[first.instruction].line, "unknown name '" + std::string(first.name) + "'");
  }
}

void BodyParser::statement() {
  const Token& next = lexer_.peek();
  if (next.kind == Token::Kind::end) lexer_.fail("a function has no end");
  if (lexer_.accept('{')) {
    scopes_.emplace_back();
  } else if (lexer_.accept('}')) {
    closeScope();
  } else if (next.kind == Token::Kind::directive) {
    directive();
  } else if (!lexer_.accept(';')) {
    instruction();
  }
}

// Labels belong to their braces: inline assembly repeats them. What stays unresolved may lie further out.
void BodyParser::resolveLabels(Scope& scope) {
  std::vector<PendingLabel> left;
  for (const PendingLabel& each : scope.pending) {
    auto found = scope.labels.find(each.name);
    if (found == scope.labels.end()) {
      left.push_back(each);
      continue;
    }
    Operand& operand = function_.body[each.instruction].operands[each.operand];
    operand.kind = Operand::Kind::label;
    operand.id = found->second;
  }
  scope.pending = std::move(left);
  for (const PendingTargets& table : scope.tables) {
    std::vector<uint32_t> targets;
    for (std::string_view name : table.names) {
      auto found = scope.labels.find(name);
      if (found == scope.labels.end()) failAt(table.line, "unknown label '" + std::string(name) + "'");
      targets.push_back(found->second);
    }
    function_.branchTargets[table.table] = std::move(targets);
  }
}

void BodyParser::closeScope() {
  resolveLabels(scopes_.back());
  std::vector<PendingLabel> left = std::move(scopes_.back().pending);
  scopes_.pop_back();
  scopes_.back().pending.insert(scopes_.back().pending.end(), left.begin(), left.end());
}

void BodyParser::registers() {
  Token typeToken = lexer_.take();
  Type type = typeToken.kind == Token::Kind::directive ? typeNamed(typeToken.text.substr(1)) : Type::none;
  if (type == Type::none) failAt(typeToken.line, "unknown register type " + std::string(typeToken.text));
  do {
    Token name = lexer_.expectWord();
    uint32_t first = static_cast<uint32_t>(function_.registers.size());
    uint32_t count = 0;
    if (lexer_.accept('<')) {
      count = static_cast<uint32_t>(lexer_.take().bits);
      lexer_.expect('>');
    }
    function_.registers.insert(function_.registers.end(), std::max(count, 1u), type);
    scopes_.back().names[name.text] = Name{true, first, count};
  } while (lexer_.accept(','));
  lexer_.expect(';');
}

void BodyParser::location() {
  Location where;
  where.file = static_cast<uint32_t>(lexer_.take().bits);
  where.line = static_cast<uint32_t>(lexer_.take().bits);
  lexer_.take();
  // ", function_name label, inlined_at file line column"
  while (lexer_.accept(',')) {
    bool inlined = lexer_.take().is("inlined_at");
    Token value = lexer_.take();
    if (inlined) {
      where.callerFile = static_cast<uint32_t>(value.bits);
      where.callerLine = static_cast<uint32_t>(lexer_.take().bits);
      lexer_.take();
    } else if (lexer_.accept('+')) {
      lexer_.take();
    }
  }
  // Line 0 marks code that belongs to no line: the last real one stays.
  if (where.line == 0) return;
  module_.locations.push_back(where);
  location_ = static_cast<uint32_t>(module_.locations.size() - 1);
}

// Pragmas are hints but for used_bytes_mask, which says which bytes of a load the program looks at.
void BodyParser::pragma() {
  constexpr std::string_view mask = "used_bytes_mask";
  do {
    std::string text(lexer_.take().text);
    if (text.compare(0, mask.size(), mask) == 0)
      usedBytes_ = static_cast<uint32_t>(std::strtoul(text.c_str() + mask.size(), nullptr, 0));
  } while (lexer_.accept(','));
  lexer_.expect(';');
}

void BodyParser::directive() {
  Token token = lexer_.take();
  std::string_view word = token.text;
  if (word == ".reg") {
    registers();
  } else if (word == ".loc") {
    location();
  } else if (word == ".pragma") {
    pragma();
  } else if (word == ".shared" || word == ".local" || word == ".param" || word == ".global" ||
             word == ".const") {
    Space space = word == ".shared"  ? Space::shared
                  : word == ".local" ? Space::local
                  : word == ".param" ? Space::param
                  : word == ".const" ? Space::constant
                                     : Space::global;
    for (const Variable& each : declarations_.variables(space, false)) declare(each);
    lexer_.expect(';');
  } else {
    failAt(token.line, "unknown directive " + std::string(word) + " in a function");
  }
}

void BodyParser::label(std::string_view name) {
  const Token& next = lexer_.peek();
  uint32_t line = next.line;
  if (next.is(".branchtargets")) {
    lexer_.take();
    PendingTargets table{name, {}, line};
    do table.names.push_back(lexer_.expectWord().text);
    while (lexer_.accept(','));
    lexer_.expect(';');
    scopes_.back().tables.push_back(std::move(table));
  } else if (next.is(".callprototype")) {
    lexer_.take();
    Prototype prototype;
    if (lexer_.peek().is('(')) prototype.returns = declarations_.parameters();
    lexer_.expectWord();
    if (lexer_.peek().is('(')) prototype.parameters = declarations_.parameters();
    while (!lexer_.accept(';')) lexer_.take();
    function_.prototypes[name] = std::move(prototype);
  } else if (next.is(".calltargets")) {
    while (!lexer_.accept(';')) lexer_.take();
  } else {
    scopes_.back().labels[name] = static_cast<uint32_t>(function_.body.size());
  }
}

void BodyParser::instruction() {
  Instruction parsed;
  parsed.location = location_;
  if (lexer_.accept('@')) {
    parsed.guarded = true;
    parsed.guardNegated = lexer_.accept('!');
    Token name = lexer_.expectWord();
    Operand guard = named(name);
    if (guard.kind != Operand::Kind::reg || function_.registers[guard.id] != Type::pred)
      failAt(name.line, "the guard " + std::string(name.text) + " is no predicate register");
    parsed.guard = guard.id;
  }
  Token opcode = lexer_.expectWord();
  if (!parsed.guarded && lexer_.accept(':')) {
    label(opcode.text);
    return;
  }
  parsed.line = opcode.line;
  parsed.usedBytes = usedBytes_;
  usedBytes_ = 0;
  parsed.opcode = opcode.text;
  // The opcode's word ends where a modifier with "::" begins a new one; the lexer keeps both together.
  if (opcode.text == "call" || opcode.text == "call.uni") {
    callOperands(parsed);
  } else if (!lexer_.peek().is(';')) {
    do parsed.operands.push_back(operand());
    while (lexer_.accept(','));
  }
  lexer_.expect(';');
  uint32_t index = static_cast<uint32_t>(function_.body.size());
  for (uint32_t i = 0; i < parsed.operands.size(); ++i)
    if (parsed.operands[i].kind == Operand::Kind::symbol)
      scopes_.back().pending.push_back({index, i, parsed.operands[i].name});
  bool symbolic = parsed.opcode.substr(0, 3) == "bra";
  if (!symbolic) {
    // Only branches name labels; other symbols are the module's.
    while (!scopes_.back().pending.empty() && scopes_.back().pending.back().instruction == index)
      scopes_.back().pending.pop_back();
  }
  function_.body.push_back(std::move(parsed));
}

void BodyParser::callOperands(Instruction& parsed) {
  Operand returns;
  returns.kind = Operand::Kind::list;
  if (lexer_.accept('(')) {
    returns = sequence(Operand::Kind::list, ')');
    lexer_.expect(',');
  }
  Operand callee = operand();
  Operand arguments;
  arguments.kind = Operand::Kind::list;
  Operand prototype;
  if (lexer_.accept(',')) {
    if (lexer_.accept('('))
      arguments = sequence(Operand::Kind::list, ')');
    else
      prototype = operand();
    if (lexer_.accept(',')) prototype = operand();
  }
  parsed.operands = {std::move(returns), std::move(callee), std::move(arguments), std::move(prototype)};
}

}  // namespace softcuda::ptx
