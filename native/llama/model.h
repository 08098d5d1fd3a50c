// A GGUF model that llama.cpp has loaded: its shape, its tokenizer, its chat template.
#pragma once

#include <llama.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coxllama {

// Registers ggml's CPU plug-ins from llama.cpp's library folder. Once, before any model is loaded.
void loadBackends();

// The first error llama.cpp logged on this thread since the last call, in one line; empty if none.
std::string takeLlamaError();

// Immutable once loaded; any thread.
class Model {
 public:
  // Throws Failure: no such file, not a GGUF, truncated, an architecture llama.cpp cannot run.
  Model(const std::string& path, int threads);

  const std::string& path() const { return path_; }
  llama_model* raw() const { return model_.get(); }
  const llama_vocab* vocab() const { return vocab_; }
  int threads() const { return threads_; }

  int layers() const { return llama_model_n_layer(raw()); }
  int width() const { return llama_model_n_embd(raw()); }
  int vocabularySize() const { return llama_vocab_n_tokens(vocab_); }
  int trainedContext() const { return llama_model_n_ctx_train(raw()); }
  std::string meta(const char* key) const;  // empty if absent
  std::string description() const;

  // The template that comes with the model, if any.
  std::optional<std::string> chatTemplate() const;

  bool beginsWithBos() const { return llama_vocab_get_add_bos(vocab_); }
  bool ends(llama_token token) const { return llama_vocab_is_eog(vocab_, token); }

  // Special tokens are added (BOS) or recognised in the text ("<|im_start|>") only where asked for.
  std::vector<llama_token> tokenize(const std::string& text, bool addSpecial, bool parseSpecial) const;

  // The bytes a token stands for; special ones render only where asked for.
  std::string piece(llama_token token, bool special) const;

  // The first token of a word inside running text (" word"), as the tokenizer would cut it there.
  llama_token firstToken(const std::string& word) const;

  // All tokens of a word inside running text.
  std::vector<llama_token> wordTokens(const std::string& word) const;

  // Throws Failure unless 0 <= layer <= layers - 2.
  void requireInnerLayer(int layer) const;

 private:
  std::string path_;
  int threads_;
  std::unique_ptr<llama_model, void (*)(llama_model*)> model_;
  const llama_vocab* vocab_ = nullptr;
};

}  // namespace coxllama
