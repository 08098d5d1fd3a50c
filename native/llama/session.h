// A context of a model that decodes tagged rows through a hook.
#pragma once

#include <memory>
#include <vector>

#include "hook.h"
#include "model.h"

namespace coxllama {

struct SessionShape {
  int context = 512;  // tokens a sequence may have
  int sequences = 1;
  int batch = 512;  // most rows of one decode
  int cells = 512;  // rows the cache holds, all sequences together
  int threads = 1;
  // Each sequence has its own part of the cache, cells / sequences; then a decode may hold rows of one
  // sequence only. Otherwise all share it, and rows are evaluated in the batch's order.
  bool apart = false;
};

// One thread at a time.
class Session {
 public:
  Session(const Model& model, SessionShape shape);

  const Model& model() const { return model_; }
  Hook& hook() { return *hook_; }
  int context() const { return shape_.context; }
  int batch() const { return shape_.batch; }
  llama_context* raw() const { return context_.get(); }

  // Evaluates the batch in one decode (at most batch()). Throws Failure if the tap failed, a tapped
  // layer never came, or llama.cpp did. A stop the hook was told to make is no failure.
  void decode(const Batch& rows);

  // Logits of row i of the last decode, which asked for them; [vocabulary].
  const float* logits(int i) const { return llama_get_logits_ith(context_.get(), i); }

  // Forgets everything; positions begin at 0 again.
  void clear();
  void clear(int sequence);

 private:
  const Model& model_;
  SessionShape shape_;
  std::unique_ptr<Hook> hook_;
  std::unique_ptr<ggml_threadpool, void (*)(ggml_threadpool*)> pool_;  // outlives the context
  std::unique_ptr<llama_context, void (*)(llama_context*)> context_;
  std::unique_ptr<llama_batch, void (*)(llama_batch*)> tokens_;
};

}  // namespace coxllama
