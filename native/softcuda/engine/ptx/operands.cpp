#include <cctype>

#include "ptx/parser.h"

namespace softcuda::ptx {

const BodyParser::Name* BodyParser::lookUp(std::string_view name, uint32_t* id) const {
  size_t digits = name.size();
  while (digits > 0 && std::isdigit(static_cast<unsigned char>(name[digits - 1]))) --digits;
  uint64_t index = 0;
  for (size_t i = digits; i < name.size(); ++i) index = index * 10 + static_cast<uint64_t>(name[i] - '0');
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (auto exact = scope->names.find(name); exact != scope->names.end() && exact->second.count == 0) {
      *id = exact->second.id;
      return &exact->second;
    }
    if (digits == name.size()) continue;
    auto range = scope->names.find(name.substr(0, digits));
    if (range != scope->names.end() && index < range->second.count) {
      *id = range->second.id + static_cast<uint32_t>(index);
      return &range->second;
    }
  }
  return nullptr;
}

Operand BodyParser::named(const Token& token) {
  Operand operand;
  operand.name = token.text;
  if (token.text == "_") {
    operand.kind = Operand::Kind::sink;
    return operand;
  }
  if (const Name* found = lookUp(token.text, &operand.id)) {
    operand.kind = found->isRegister ? Operand::Kind::reg : Operand::Kind::variable;
  } else if (token.text[0] == '%') {
    operand.kind = Operand::Kind::special;
  } else if (token.text == "WARP_SZ") {
    operand.kind = Operand::Kind::integer;
    operand.bits = 32;
  } else {
    operand.kind = Operand::Kind::symbol;
  }
  return operand;
}

Operand BodyParser::sequence(Operand::Kind kind, char end) {
  Operand sequence;
  sequence.kind = kind;
  if (lexer_.accept(end)) return sequence;
  do sequence.items.push_back(operand());
  while (lexer_.accept(','));
  lexer_.expect(end);
  return sequence;
}

Operand BodyParser::memory() {
  Operand address;
  address.kind = Operand::Kind::memory;
  address.items.push_back(operand());
  address.offset = address.items[0].offset;
  address.items[0].offset = 0;
  lexer_.expect(']');
  return address;
}

Operand BodyParser::operand() {
  if (lexer_.accept('[')) return memory();
  if (lexer_.accept('{')) return sequence(Operand::Kind::vector, '}');
  if (lexer_.accept('(')) return sequence(Operand::Kind::list, ')');
  bool inverted = lexer_.accept('!');
  bool negative = lexer_.accept('-');
  Token token = lexer_.take();
  Operand parsed;
  if (token.kind == Token::Kind::integer) {
    parsed.kind = Operand::Kind::integer;
    parsed.bits = negative ? 0 - token.bits : token.bits;
  } else if (token.kind == Token::Kind::real) {
    parsed.kind = Operand::Kind::real;
    parsed.single = token.single;
    parsed.bits = negative ? token.bits ^ (1ull << (token.single ? 31 : 63)) : token.bits;
  } else if (token.kind == Token::Kind::word) {
    parsed = named(token);
    parsed.negated = inverted || negative;
  } else {
    failAt(token.line, "'" + std::string(token.text) + "' is no operand");
  }
  if (lexer_.accept('+')) {
    bool minus = lexer_.accept('-');
    Token offset = lexer_.take();
    if (offset.kind != Token::Kind::integer) failAt(offset.line, "an address offset is an integer");
    parsed.offset = static_cast<int64_t>(minus ? 0 - offset.bits : offset.bits);
  } else if (lexer_.peek().is('-') && parsed.kind != Operand::Kind::integer) {
    lexer_.take();
    parsed.offset = -static_cast<int64_t>(lexer_.take().bits);
  }
  if (lexer_.accept('|')) {
    Operand pair;
    pair.kind = Operand::Kind::pair;
    pair.items.push_back(std::move(parsed));
    pair.items.push_back(operand());
    return pair;
  }
  return parsed;
}

}  // namespace softcuda::ptx
