#include "sequence.h"

#include <algorithm>

namespace coxllama {

Sequence::Sequence(Session& session, cox_lane* lane, cox_plan* plan, int layer, int number)
    : session_(session), tap_(lane), hooked_(lane != nullptr), plan_(plan), layer_(layer), number_(number) {
  session.clear(number);
}

void Sequence::extend(const std::vector<TaggedToken>& tokens) {
  size_t most = session_.batch();
  for (size_t from = 0; from < tokens.size(); from += most) {
    size_t n = std::min(most, tokens.size() - from);
    decode(&tokens[from], n, false, from + n == tokens.size());
  }
}

void Sequence::decode(const TaggedToken* tokens, size_t n, bool allLogits, bool last) {
  batch_.clear();
  for (size_t i = 0; i < n; i++) {
    bool end = last && i + 1 == n;
    cox_row row = {};
    row.plan = plan_;
    row.position = position_ + static_cast<int32_t>(i);
    row.token = tokens[i].token;
    row.flags = tokens[i].flags | (end ? COX_ROW_LAST : 0);
    batch_.add(row, number_, allLogits || end);
  }
  session_.hook().tap(hooked_ ? &tap_ : nullptr);
  session_.hook().require(hooked_ ? layer_ : -1);
  session_.decode(batch_);
  session_.hook().tap(nullptr);
  session_.hook().require(-1);
  position_ += static_cast<int32_t>(n);
}

}  // namespace coxllama
