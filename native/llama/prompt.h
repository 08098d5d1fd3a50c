// A prompt as tokens, each knowing whose text it is.
#pragma once

#include <string>
#include <vector>

#include "model.h"

namespace coxllama {

struct TaggedToken {
  llama_token token;
  uint32_t flags;  // COX_ROW_*
};

// A text as it stands, with BOS where the model wants one. All of it is the user's.
std::vector<TaggedToken> rawPrompt(const Model& model, const std::string& text);

// The model's chat template around a user's text, up to and with the assistant's header. USER marks
// the tokens of the text itself, REPLY those from the header on. Throws Failure where the model has
// no template, or one that llama.cpp does not know.
std::vector<TaggedToken> chatPrompt(const Model& model, const std::string& system, const std::string& text);

}  // namespace coxllama
