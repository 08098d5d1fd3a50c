#include <algorithm>

#include "ptx/parser.h"

namespace softcuda::ptx {

void Declarations::extents(Variable& variable) {
  bool array = false;
  while (lexer_.accept('[')) {
    array = true;
    if (lexer_.accept(']')) {
      variable.unsized = true;
      continue;
    }
    Token extent = lexer_.take();
    if (extent.kind != Token::Kind::integer) lexer_.fail("an array extent is missing");
    variable.bytes *= extent.bits;
    lexer_.expect(']');
  }
  if (array && variable.unsized) variable.bytes = 0;
}

Initial Declarations::initialElement() {
  Initial element;
  bool negative = lexer_.accept('-');
  Token token = lexer_.take();
  if (token.kind == Token::Kind::real) {
    element.real = true;
    element.single = token.single;
    element.bits = negative ? token.bits ^ (1ull << (token.single ? 31 : 63)) : token.bits;
    return element;
  }
  if (token.kind == Token::Kind::integer) {
    element.bits = negative ? 0 - token.bits : token.bits;
    if (!lexer_.accept('(')) return element;
    element.byteMask = token.bits;
    element.bits = 0;
    token = lexer_.take();
  }
  if (token.is("generic")) {
    element.generic = true;
    lexer_.expect('(');
    token = lexer_.take();
  }
  if (token.kind != Token::Kind::word) failAt(token.line, "an initialiser is a number or a symbol");
  element.symbol = token.text;
  if (element.generic) lexer_.expect(')');
  if (lexer_.accept('+')) {
    bool minus = lexer_.accept('-');
    Token offset = lexer_.take();
    element.bits = minus ? 0 - offset.bits : offset.bits;
  }
  if (element.byteMask) lexer_.expect(')');
  return element;
}

void Declarations::initialElements(Variable& variable) {
  if (lexer_.accept('{')) {
    if (lexer_.accept('}')) return;
    do initialElements(variable);
    while (lexer_.accept(','));
    lexer_.expect('}');
    return;
  }
  variable.initial.push_back(initialElement());
}

void Declarations::initializer(Variable& variable) {
  if (!lexer_.accept('=')) return;
  initialElements(variable);
  if (variable.unsized) variable.bytes = variable.initial.size() * bytesOf(variable.type);
  variable.unsized = false;
}

static Type declaredType(Lexer& lexer, unsigned* vector, uint32_t* align, bool* pointer) {
  for (;;) {
    Token token = lexer.take();
    if (token.kind != Token::Kind::directive) failAt(token.line, "a type is missing in a declaration");
    std::string_view word = token.text.substr(1);
    if (word == "align") {
      *align = static_cast<uint32_t>(lexer.take().bits);
    } else if (word == "v2" || word == "v4" || word == "v8") {
      *vector = static_cast<unsigned>(word[1] - '0');
    } else if (word == "attribute") {
      lexer.expect('(');
      while (!lexer.accept(')')) lexer.take();
    } else if (word == "ptr") {
      *pointer = true;
    } else if (Type type = typeNamed(word); type != Type::none) {
      return type;
    } else {
      failAt(token.line, "unknown type ." + std::string(word));
    }
  }
}

std::vector<Variable> Declarations::variables(Space space, bool external) {
  std::vector<Variable> declared;
  unsigned vector = 1;
  uint32_t align = 0;
  bool pointer = false;
  Type type = declaredType(lexer_, &vector, &align, &pointer);
  do {
    Token name = lexer_.expectWord();
    Variable variable;
    variable.name = name.text;
    variable.line = name.line;
    variable.space = space;
    variable.type = type;
    variable.external = external;
    variable.bytes = static_cast<uint64_t>(bytesOf(type)) * vector;
    variable.align = std::max<uint32_t>(align, static_cast<uint32_t>(variable.bytes));
    if (align != 0) variable.align = align;
    extents(variable);
    initializer(variable);
    declared.push_back(std::move(variable));
  } while (lexer_.accept(','));
  return declared;
}

Variable Declarations::parameter() {
  Token token = lexer_.take();
  if (!token.is(".param") && !token.is(".reg")) failAt(token.line, "a parameter begins with .param");
  Variable variable;
  unsigned vector = 1;
  uint32_t align = 0;
  bool pointer = false;
  variable.type = declaredType(lexer_, &vector, &align, &pointer);
  // .ptr [.space] [.align n] tells about what a pointer points to; nothing here depends on it.
  while (lexer_.peek().kind == Token::Kind::directive) {
    bool aligned = lexer_.take().is(".align");
    if (aligned) lexer_.take();
  }
  Token name = lexer_.expectWord();
  variable.name = name.text;
  variable.line = name.line;
  variable.space = Space::param;
  variable.bytes = static_cast<uint64_t>(bytesOf(variable.type)) * vector;
  variable.align = align != 0 ? align : static_cast<uint32_t>(variable.bytes);
  extents(variable);
  return variable;
}

std::vector<Variable> Declarations::parameters() {
  std::vector<Variable> list;
  lexer_.expect('(');
  if (lexer_.accept(')')) return list;
  do list.push_back(parameter());
  while (lexer_.accept(','));
  lexer_.expect(')');
  return list;
}

}  // namespace softcuda::ptx
