#include "prompt.h"

#include <coxswain/coxswain.h>

#include "failure.h"

namespace coxllama {
namespace {

using Chat = std::vector<llama_chat_message>;

std::string applyTemplate(const std::string& name, const Chat& chat, bool header) {
  int length = llama_chat_apply_template(name.c_str(), chat.data(), chat.size(), header, nullptr, 0);
  if (length < 0) {
    throw Failure(Fault::kData,
                  "llama.cpp does not know the model's chat template; give the prompt as raw text");
  }
  std::string text(length, '\0');
  llama_chat_apply_template(name.c_str(), chat.data(), chat.size(), header, text.data(), length);
  return text;
}

std::string trim(const std::string& text) {
  const char* spaces = " \t\r\n";
  size_t first = text.find_first_not_of(spaces);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

// Characters [begin, end) of the rendered chat.
struct Span {
  size_t begin;
  size_t end;

  bool overlaps(size_t from, size_t to) const { return from < end && to > begin; }
};

Span userSpan(const std::string& rendered, const std::string& text) {
  std::string wanted = trim(text);
  size_t at = rendered.rfind(wanted);
  if (wanted.empty() || at == std::string::npos) {
    return {0, 0};
  }
  return {at, at + wanted.size()};
}

std::vector<TaggedToken> tag(const Model& model, const std::string& rendered, Span user, size_t header) {
  std::vector<TaggedToken> result;
  // A template may spell out BOS itself.
  std::string bos = model.piece(llama_vocab_bos(model.vocab()), true);
  bool spelled = !bos.empty() && rendered.compare(0, bos.size(), bos) == 0;
  if (model.beginsWithBos() && !spelled) {
    result.push_back({llama_vocab_bos(model.vocab()), COX_ROW_PROMPT | COX_ROW_BOS});
  }
  size_t at = 0;
  for (llama_token token : model.tokenize(rendered, false, true)) {
    uint32_t flags = COX_ROW_PROMPT | (result.empty() ? COX_ROW_BOS : 0);
    std::string piece = model.piece(token, true);
    // A SentencePiece tokenizer may put a space before the text that is not in it.
    size_t skipped = at == 0 && !piece.empty() && piece[0] == ' ' && rendered[0] != ' ' ? 1 : 0;
    size_t next = at + piece.size() - skipped;
    flags |= user.overlaps(at, next) ? COX_ROW_USER : 0;
    flags |= next > header ? COX_ROW_REPLY : 0;
    result.push_back({token, flags});
    at = next;
  }
  return result;
}

}  // namespace

std::vector<TaggedToken> rawPrompt(const Model& model, const std::string& text) {
  std::vector<TaggedToken> result;
  if (model.beginsWithBos()) {
    result.push_back({llama_vocab_bos(model.vocab()), COX_ROW_PROMPT | COX_ROW_BOS});
  }
  for (llama_token token : model.tokenize(text, false, false)) {
    uint32_t first = result.empty() ? COX_ROW_BOS : 0;
    result.push_back({token, COX_ROW_PROMPT | COX_ROW_USER | first});
  }
  if (result.empty()) {
    throw Failure(Fault::kUsage, "the prompt is empty");
  }
  // The next token after the last row is the model's own.
  result.back().flags |= COX_ROW_REPLY;
  return result;
}

std::vector<TaggedToken> chatPrompt(const Model& model, const std::string& system, const std::string& text) {
  std::optional<std::string> name = model.chatTemplate();
  if (!name) {
    throw Failure(Fault::kData, model.path() + " has no chat template; give the prompt as raw text");
  }
  Chat chat;
  if (!system.empty()) {
    chat.push_back({"system", system.c_str()});
  }
  chat.push_back({"user", text.c_str()});
  std::string before = applyTemplate(*name, chat, false);
  std::string rendered = applyTemplate(*name, chat, true);
  // Where the template has no header of its own, the reply begins after the last prompt token.
  size_t header = rendered.compare(0, before.size(), before) == 0 ? before.size() : rendered.size();
  std::vector<TaggedToken> result = tag(model, rendered, userSpan(before, text), header);
  result.back().flags |= COX_ROW_REPLY;
  return result;
}

}  // namespace coxllama
