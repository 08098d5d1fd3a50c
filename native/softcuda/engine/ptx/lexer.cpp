#include "ptx/lexer.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

#include "engine.h"

namespace softcuda::ptx {
namespace {

bool wordStart(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%';
}
bool wordPart(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; }

}  // namespace

void failAt(uint32_t line, const std::string& what) {
  throw PtxError("PTX line " + std::to_string(line) + ": " + what);
}

Lexer::Lexer(std::string_view text) : text_(text) {
  // Module images come NUL-terminated and padded.
  text_ = text_.substr(0, text_.find('\0'));
  advance();
}

void Lexer::fail(const std::string& what) const {
  std::string near = token_.kind == Token::Kind::end ? "the end" : "'" + std::string(token_.text) + "'";
  failAt(token_.line, what + ", found " + near);
}

Token Lexer::take() {
  Token taken = token_;
  advance();
  return taken;
}

bool Lexer::accept(char punctuation) {
  if (!token_.is(punctuation)) return false;
  advance();
  return true;
}

Token Lexer::expect(char punctuation) {
  if (!token_.is(punctuation)) fail(std::string("'") + punctuation + "' is missing");
  return take();
}

Token Lexer::expectWord() {
  if (token_.kind != Token::Kind::word) fail("a name is missing");
  return take();
}

void Lexer::skipBlank() {
  while (at_ < text_.size()) {
    char c = text_[at_];
    if (c == '\n') ++line_;
    if (std::isspace(static_cast<unsigned char>(c))) {
      ++at_;
    } else if (text_.compare(at_, 2, "//") == 0) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (text_.compare(at_, 2, "/*") == 0) {
      size_t end = std::min(text_.find("*/", at_), text_.size() - 2);
      for (; at_ < end + 2; ++at_) line_ += text_[at_] == '\n';
    } else {
      return;
    }
  }
}

void Lexer::number() {
  const char* begin = text_.data() + at_;
  char second = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  bool hexReal = *begin == '0' && (second == 'f' || second == 'F' || second == 'd' || second == 'D');
  size_t end = at_ + 1;
  while (end < text_.size() && (wordPart(text_[end]) || text_[end] == '.' ||
                                ((text_[end] == '-' || text_[end] == '+') && second != 'x' && second != 'X' &&
                                 (text_[end - 1] == 'e' || text_[end - 1] == 'E'))))
    ++end;
  token_.text = text_.substr(at_, end - at_);
  std::string digits(token_.text);
  char* rest = nullptr;
  if (hexReal) {
    token_.kind = Token::Kind::real;
    token_.single = second == 'f' || second == 'F';
    token_.bits = std::strtoull(digits.c_str() + 2, &rest, 16);
  } else if (digits.find('.') != std::string::npos || (second != 'x' && second != 'X' && second != 'b' &&
                                                       digits.find_first_of("eE") != std::string::npos)) {
    token_.kind = Token::Kind::real;
    double value = std::strtod(digits.c_str(), &rest);
    std::memcpy(&token_.bits, &value, sizeof value);
  } else {
    token_.kind = Token::Kind::integer;
    if (second == 'b' || second == 'B')
      token_.bits = std::strtoull(digits.c_str() + 2, &rest, 2);
    else
      token_.bits = std::strtoull(digits.c_str(), &rest, 0);
    if (*rest == 'U' || *rest == 'u') ++rest;
  }
  if (*rest != '\0') fail("not a number");
  at_ = end;
}

void Lexer::advance() {
  skipBlank();
  token_ = Token{};
  token_.line = line_;
  if (at_ >= text_.size()) return;
  char c = text_[at_];
  size_t end = at_ + 1;
  if (wordStart(c)) {
    token_.kind = Token::Kind::word;
    while (end < text_.size() &&
           (wordPart(text_[end]) || (text_[end] == ':' && end + 1 < text_.size() && text_[end + 1] == ':') ||
            (text_[end] == ':' && text_[end - 1] == ':') ||
            (text_[end] == '.' && end + 1 < text_.size() && wordPart(text_[end + 1]))))
      ++end;
  } else if (c == '.' && at_ + 1 < text_.size() && wordStart(text_[at_ + 1])) {
    token_.kind = Token::Kind::directive;
    while (end < text_.size() && wordPart(text_[end])) ++end;
  } else if (std::isdigit(static_cast<unsigned char>(c))) {
    number();
    return;
  } else if (c == '"') {
    token_.kind = Token::Kind::string;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) fail("the string has no end");
    token_.text = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return;
  } else {
    token_.kind = Token::Kind::punctuation;
  }
  token_.text = text_.substr(at_, end - at_);
  at_ = end;
}

}  // namespace softcuda::ptx
