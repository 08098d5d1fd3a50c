// The residual stream of a running model, handed to whoever taps it with every row's owner.
#pragma once

#include <coxswain/coxswain.h>
#include <llama.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <vector>

namespace coxllama {

// Rows for one decode, in order: what an engine wants to know of each, and what llama.cpp does.
struct Batch {
  std::vector<cox_row> rows;
  std::vector<int32_t> sequences;  // of the llama.cpp context
  std::vector<int8_t> wantsLogits;

  size_t size() const { return rows.size(); }
  void clear();
  void add(const cox_row& row, int sequence, bool logits);
};

// Hidden states after a block, in host memory, changed in place.
struct Block {
  int layer;
  float* values;  // [rows, width], contiguous
  int64_t rows;
  int64_t width;
};

// Sees every micro-batch: begin, then the layers it wants in order, then end. All on the thread that
// decodes. A method that fails throws Failure; the decode then ends with that error.
class Tap {
 public:
  virtual ~Tap() = default;
  virtual bool wants(int layer) = 0;
  virtual void begin(const cox_row* rows, int64_t n) = 0;
  virtual void layer(const Block& block) = 0;
  virtual void end(bool aborted) = 0;
};

// llama.cpp's evaluation callback. It is asked for every node of every graph, so the common answer
// costs one comparison. Rows follow the micro-batch: their tokens and positions are read from the
// graph's own inputs and compared with the batch's, so that no row can be taken for another's.
class Hook {
 public:
  // Both may be null: then nothing is observed.
  void tap(Tap* tap) { tap_ = tap; }

  // The graph is abandoned once this layer's rows have been seen; -1: never.
  void stopAfter(int layer) { stopAfter_ = layer; }

  // A decode that never computes this layer's output fails; -1: none.
  void require(int layer) { required_ = layer; }

  // Around each llama_decode.
  void beginDecode(const Batch* batch);
  void endDecode(bool aborted);

  // The layer to require, if the decode did not reach it; else -1.
  int missingLayer() const { return requiredSeen_ ? -1 : required_; }

  bool reachedStop() const { return stop_; }
  // What the tap, or the comparison of rows, failed with; null if nothing did.
  std::exception_ptr error() const { return error_; }
  uint64_t nanoseconds() const { return nanoseconds_; }  // spent inside the tap, ever

  static bool onEval(ggml_tensor* tensor, bool ask, void* self);
  static bool onAbort(void* self);

  // Set from outside to end a decode early.
  void cancelFlag(const std::atomic<bool>* flag) { cancel_ = flag; }

 private:
  bool asked(const ggml_tensor* tensor);
  void computed(ggml_tensor* tensor);
  void beginMicroBatch(const ggml_tensor* tokens);
  void checkPositions(const ggml_tensor* positions);
  void fail(std::exception_ptr error);

  Tap* tap_ = nullptr;
  int stopAfter_ = -1;
  int required_ = -1;
  bool requiredSeen_ = false;
  const std::atomic<bool>* cancel_ = nullptr;
  const Batch* batch_ = nullptr;
  int64_t first_ = 0;  // of the current micro-batch in the batch
  int64_t count_ = 0;  // its rows; 0 before the first
  bool open_ = false;  // begun and not ended
  bool positionsSeen_ = false;
  bool stop_ = false;
  std::exception_ptr error_;
  uint64_t nanoseconds_ = 0;
};

}  // namespace coxllama
