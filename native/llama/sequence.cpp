#include "sequence.h"

namespace coxllama {

Sequence::Sequence(Session& session, cox_lane* lane, cox_plan* plan, int layer, int number)
    : session_(session), tap_(lane), plan_(plan), number_(number) {
  session.clear(number);
  if (lane != nullptr) {
    session.hook().tap(&tap_);
    session.hook().require(layer);
  }
}

Sequence::~Sequence() {
  session_.hook().tap(nullptr);
  session_.hook().require(-1);
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
  session_.decode(batch_);
  position_ += static_cast<int32_t>(n);
}

}  // namespace coxllama
