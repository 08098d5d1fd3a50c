#include <algorithm>

#include "ptx/parser.h"

namespace softcuda::ptx {
namespace {

Space spaceOf(std::string_view directive) {
  if (directive == ".global") return Space::global;
  if (directive == ".const") return Space::constant;
  if (directive == ".shared") return Space::shared;
  if (directive == ".local") return Space::local;
  return Space::reg;
}

class ModuleParser {
 public:
  explicit ModuleParser(std::string_view text) : lexer_(text), declarations_(lexer_) {}

  Module parse() {
    while (lexer_.peek().kind != Token::Kind::end) item();
    return std::move(module_);
  }

 private:
  void item() {
    bool external = false;
    for (;;) {
      Token token = lexer_.take();
      if (token.kind != Token::Kind::directive)
        failAt(token.line, "a directive is missing, found '" + std::string(token.text) + "'");
      std::string_view word = token.text;
      if (word == ".extern") {
        external = true;
      } else if (word == ".visible" || word == ".weak" || word == ".common") {
        continue;
      } else if (word == ".version" || word == ".target" || word == ".address_size") {
        header(word);
        return;
      } else if (word == ".file") {
        file();
        return;
      } else if (word == ".section") {
        section();
        return;
      } else if (word == ".alias") {
        failAt(token.line, ".alias is not supported");
      } else if (word == ".pragma") {
        lexer_.take();
        lexer_.expect(';');
        return;
      } else if (word == ".entry" || word == ".func") {
        function(word == ".entry", token.line);
        return;
      } else if (spaceOf(word) != Space::reg) {
        for (Variable& each : declarations_.variables(spaceOf(word), external))
          module_.variables.push_back(std::move(each));
        lexer_.expect(';');
        return;
      } else {
        failAt(token.line, "unknown directive " + std::string(word));
      }
    }
  }

  void header(std::string_view word) {
    Token value = lexer_.take();
    if (word == ".version") module_.version = value.text;
    if (word == ".target") module_.target = value.text;
    while (lexer_.accept(',')) lexer_.take();
  }

  void file() {
    uint32_t index = static_cast<uint32_t>(lexer_.take().bits);
    module_.files[index] = std::string(lexer_.take().text);
    while (lexer_.accept(',')) lexer_.take();
  }

  void section() {
    while (!lexer_.accept('{')) lexer_.take();
    while (!lexer_.accept('}')) {
      if (lexer_.peek().kind == Token::Kind::end) lexer_.fail("a section has no end");
      lexer_.take();
    }
  }

  void function(bool entry, uint32_t line) {
    auto parsed = std::make_unique<Function>();
    parsed->entry = entry;
    parsed->line = line;
    while (lexer_.peek().kind == Token::Kind::directive) attribute(*parsed);
    if (!entry && lexer_.peek().is('(')) parsed->returns = declarations_.parameters();
    parsed->name = lexer_.expectWord().text;
    if (lexer_.peek().is('(')) parsed->parameters = declarations_.parameters();
    while (lexer_.peek().kind == Token::Kind::directive) attribute(*parsed);
    if (!lexer_.accept(';')) {
      parsed->defined = true;
      BodyParser(lexer_, module_, *parsed).parse();
    }
    auto same = std::find_if(module_.functions.begin(), module_.functions.end(),
                             [&](const auto& each) { return each->name == parsed->name; });
    if (same == module_.functions.end())
      module_.functions.push_back(std::move(parsed));
    else if (parsed->defined)
      *same = std::move(parsed);
  }

  void attribute(Function& function) {
    Token token = lexer_.take();
    std::string_view word = token.text;
    std::vector<uint64_t> values;
    if (word == ".noreturn") {
      function.noreturn = true;
    } else if (word == ".attribute") {
      lexer_.expect('(');
      while (!lexer_.accept(')')) lexer_.take();
    } else if (word == ".pragma") {
      lexer_.take();
      lexer_.expect(';');
    } else if (word == ".maxntid" || word == ".reqntid" || word == ".minnctapersm" ||
               word == ".maxnctapersm" || word == ".maxnreg" || word == ".reqnctapercluster" ||
               word == ".maxclusterrank" || word == ".explicitcluster" || word == ".abi_preserve" ||
               word == ".abi_preserve_control" || word == ".unified" || word == ".blocksareclusters") {
      while (lexer_.peek().kind == Token::Kind::integer || lexer_.peek().is(',')) {
        Token value = lexer_.take();
        if (value.kind == Token::Kind::integer) values.push_back(value.bits);
      }
      if (word == ".maxntid" || word == ".reqntid") {
        uint64_t threads = 1;
        for (uint64_t each : values) threads *= each;
        function.maxThreads = static_cast<uint32_t>(threads);
      }
    } else {
      failAt(token.line, "unknown directive " + std::string(word) + " of a function");
    }
  }

  Lexer lexer_;
  Declarations declarations_;
  Module module_;
};

}  // namespace

Module parse(std::string_view text) { return ModuleParser(text).parse(); }

}  // namespace softcuda::ptx
