// Tokens of PTX text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace softcuda::ptx {

struct Token {
  enum class Kind : uint8_t { end, word, directive, integer, real, string, punctuation };
  Kind kind = Kind::end;
  std::string_view text;  // word and directive with their dots; punctuation: one character
  uint64_t bits = 0;      // integer: its value; real: the bits of a double
  bool single = false;    // real: was written as 0f…, `bits` are those of a float
  uint32_t line = 0;

  bool is(char c) const { return kind == Kind::punctuation && text[0] == c; }
  bool is(std::string_view word) const {
    return (kind == Kind::word || kind == Kind::directive) && text == word;
  }
};

// Splits PTX into tokens. An opcode with its modifiers ("ld.global.f32") is one word token, and so is a
// special register with its component ("%tid.x"). Throws PtxError. The text must outlive the tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view text);
  const Token& peek() const { return token_; }
  Token take();
  bool accept(char punctuation);
  Token expect(char punctuation);
  Token expectWord();
  [[noreturn]] void fail(const std::string& what) const;

 private:
  void advance();
  void skipBlank();
  void number();

  std::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  Token token_;
};

[[noreturn]] void failAt(uint32_t line, const std::string& what);

}  // namespace softcuda::ptx
