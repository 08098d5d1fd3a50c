#include "hook.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "failure.h"

namespace coxllama {
namespace {

constexpr char kResidual[] = "l_out-";
constexpr size_t kResidualLength = sizeof kResidual - 1;

// The block a tensor is the output of, or -1.
int residualLayer(const ggml_tensor* tensor) {
  if (tensor->name[0] != 'l' || std::strncmp(tensor->name, kResidual, kResidualLength) != 0) {
    return -1;
  }
  char* end = nullptr;
  long layer = std::strtol(tensor->name + kResidualLength, &end, 10);
  return *end == '\0' && end != tensor->name + kResidualLength ? static_cast<int>(layer) : -1;
}

bool isTokenLookup(const ggml_tensor* tensor) {
  return tensor->op == GGML_OP_GET_ROWS && tensor->src[0] != nullptr &&
         std::strncmp(tensor->src[0]->name, "token_embd", 10) == 0;
}

std::exception_ptr reordered() {
  return std::make_exception_ptr(Failure(Fault::kDevice, "llama.cpp reordered the rows of the batch"));
}

uint64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void Batch::clear() {
  rows.clear();
  sequences.clear();
  wantsLogits.clear();
}

void Batch::add(const cox_row& row, int sequence, bool logits) {
  rows.push_back(row);
  sequences.push_back(sequence);
  wantsLogits.push_back(logits ? 1 : 0);
}

bool Hook::onEval(ggml_tensor* tensor, bool ask, void* self) {
  Hook* hook = static_cast<Hook*>(self);
  if (ask) {
    return hook->asked(tensor);
  }
  hook->computed(tensor);
  // False here would leave garbage logits behind a decode that reports success.
  return true;
}

bool Hook::onAbort(void* self) {
  Hook* hook = static_cast<Hook*>(self);
  return hook->stop_ || (hook->cancel_ != nullptr && *hook->cancel_);
}

void Hook::beginDecode(const Batch* batch) {
  batch_ = batch;
  first_ = 0;
  count_ = 0;
  open_ = false;
  stop_ = false;
  error_ = nullptr;
  requiredSeen_ = false;
}

void Hook::endDecode(bool aborted) {
  if (open_) {
    open_ = false;
    tap_->end(aborted || error_ != nullptr);
  }
}

void Hook::fail(std::exception_ptr error) {
  if (!error_) {
    error_ = std::move(error);
  }
  stop_ = true;
}

bool Hook::asked(const ggml_tensor* tensor) {
  if (tap_ == nullptr || stop_) {
    return false;
  }
  if (tensor->op == GGML_OP_GET_ROWS && isTokenLookup(tensor)) {
    beginMicroBatch(tensor->src[1]);
    return false;
  }
  if (tensor->op == GGML_OP_ROPE && !positionsSeen_) {
    checkPositions(tensor->src[1]);
    return false;
  }
  int layer = residualLayer(tensor);
  if (layer >= 0 && layer == required_) {
    requiredSeen_ = true;
  }
  return layer >= 0 && (layer == stopAfter_ || tap_->wants(layer));
}

void Hook::beginMicroBatch(const ggml_tensor* tokens) {
  try {
    if (open_) {
      open_ = false;
      tap_->end(false);
    }
    first_ += count_;
    count_ = tokens->ne[0];
    positionsSeen_ = false;
    if (first_ + count_ > static_cast<int64_t>(batch_->size())) {
      throw Failure(Fault::kDevice, "llama.cpp evaluates more rows than the batch has");
    }
    if (ggml_backend_buffer_is_host(tokens->buffer)) {
      const int32_t* ids = static_cast<const int32_t*>(tokens->data);
      for (int64_t i = 0; i < count_; i++) {
        if (ids[i] != batch_->rows[first_ + i].token) {
          std::rethrow_exception(reordered());
        }
      }
    }
    tap_->begin(batch_->rows.data() + first_, count_);
    open_ = true;
  } catch (...) {
    fail(std::current_exception());
  }
}

void Hook::checkPositions(const ggml_tensor* positions) {
  positionsSeen_ = true;
  if (positions == nullptr || positions->ne[0] != count_ || positions->type != GGML_TYPE_I32 ||
      !ggml_backend_buffer_is_host(positions->buffer)) {
    return;  // several position components a token (M-RoPE): the tokens alone are compared
  }
  const int32_t* values = static_cast<const int32_t*>(positions->data);
  for (int64_t i = 0; i < count_; i++) {
    if (values[i] != batch_->rows[first_ + i].position) {
      fail(reordered());
      return;
    }
  }
}

void Hook::computed(ggml_tensor* tensor) {
  uint64_t start = now();
  int layer = residualLayer(tensor);
  try {
    if (!open_ || tensor->ne[1] != count_ || tensor->type != GGML_TYPE_F32 || !ggml_is_contiguous(tensor) ||
        !ggml_backend_buffer_is_host(tensor->buffer)) {
      throw Failure(Fault::kDevice, std::string("the residual stream ") + tensor->name +
                                        " has another layout than one float32 row a token");
    }
    tap_->layer({layer, static_cast<float*>(tensor->data), tensor->ne[1], tensor->ne[0]});
    if (layer == stopAfter_) {
      stop_ = true;
    }
  } catch (...) {
    fail(std::current_exception());
  }
  nanoseconds_ += now() - start;
}

}  // namespace coxllama
