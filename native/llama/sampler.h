// Chooses the next token from logits; the same seed and logits choose the same tokens.
#pragma once

#include <llama.h>

#include <memory>

#include "channel.h"

namespace coxllama {

// As the request says: "temperature" (0: the likeliest), "topK", "topP", "repeatPenalty", "seed".
class Sampler {
 public:
  explicit Sampler(const llama_vocab* vocab, const Request& request);

  llama_token sample(llama_context* context, int row) {
    return llama_sampler_sample(chain_.get(), context, row);
  }

 private:
  std::unique_ptr<llama_sampler, void (*)(llama_sampler*)> chain_;
};

}  // namespace coxllama
