// One sequence of tokens through a session: prefill, further tokens, and what was steered on the way.
#pragma once

#include <vector>

#include "engine.h"
#include "prompt.h"
#include "session.h"

namespace coxllama {

// One run of one of a session's sequences: request 0, positions from 0. Its decodes, and no others, go
// through the lane; with none the session runs without a hook.
class Sequence {
 public:
  // lane may be null where nothing is to be steered or observed; then plan must be null.
  Sequence(Session& session, cox_lane* lane, cox_plan* plan, int layer, int number = 0);
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  // Evaluates further tokens, session.batch() in a decode; the last one has logits afterwards.
  void extend(const std::vector<TaggedToken>& tokens);

  // Evaluates n further tokens, at most session.batch(), which all have logits afterwards; `last`: no
  // more will follow.
  void step(const TaggedToken* tokens, size_t n, bool last) { decode(tokens, n, true, last); }

  // Row of `logits()` that belongs to the last token evaluated.
  int lastRow() const { return static_cast<int>(batch_.size()) - 1; }
  int length() const { return position_; }

 private:
  void decode(const TaggedToken* tokens, size_t n, bool allLogits, bool last);

  Session& session_;
  LaneTap tap_;
  bool hooked_;
  cox_plan* plan_;
  int layer_;
  int number_;
  int position_ = 0;
  Batch batch_;
};

}  // namespace coxllama
