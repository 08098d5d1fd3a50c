// One sequence of tokens through a session: prefill, further tokens, and what was steered on the way.
#pragma once

#include <algorithm>
#include <vector>

#include "engine.h"
#include "prompt.h"
#include "session.h"

namespace coxllama {

// Binds a session's hook to a lane for as long as it lives; with no plan and no observer the session
// runs without a hook. One run of one sequence: request 0, positions from 0.
class Sequence {
 public:
  // lane may be null where nothing is to be steered or observed; then plan must be null.
  Sequence(Session& session, cox_lane* lane, cox_plan* plan, int layer, int number = 0);
  ~Sequence();
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  // Evaluates further tokens, at most session.batch() in a decode. With `logits` all of them, else the
  // last only, have logits afterwards. `visit` is called after each decode with the place of its first
  // token among those given here, and their number.
  template <typename Visit>
  void extend(const std::vector<TaggedToken>& tokens, bool logits, Visit visit) {
    size_t step = session_.batch();
    for (size_t from = 0; from < tokens.size(); from += step) {
      size_t n = std::min(step, tokens.size() - from);
      bool last = from + n == tokens.size();
      decode(&tokens[from], n, logits, last);
      visit(from, n);
    }
  }
  void extend(const std::vector<TaggedToken>& tokens) {
    extend(tokens, false, [](size_t, size_t) {});
  }

  // Row of `logits()` that belongs to the last token evaluated.
  int lastRow() const { return static_cast<int>(batch_.size()) - 1; }
  int length() const { return position_; }

 private:
  void decode(const TaggedToken* tokens, size_t n, bool allLogits, bool last);

  Session& session_;
  LaneTap tap_;
  cox_plan* plan_;
  int number_;
  int position_ = 0;
  Batch batch_;
};

}  // namespace coxllama
