// A lane: one evaluating thread, its open pass, and the memory both sides of the bridge share.
#pragma once

#include <jni.h>
#include <pthread.h>

#include <memory>
#include <vector>

#include "engine.h"

namespace coxswain::host {

// The 64-bit words that C++ and dev.coxswain.host.HostLane share; the same order there.
enum LaneWord {
  ERROR,        // address of an ErrorBuffer
  PASS_ROWS,    // address of the pass's cox_row[n]
  PASS_COUNT,   // n
  PART_SLOTS,   // address of int32[P]: places in the engine's table of the parts of the pass's distinct plans
  PART_PLANS,   // address of int32[P]: which of the distinct plans each part belongs to
  PART_COUNT,   // P
  ROW_PLANS,    // address of int32[n]: which of the distinct plans each row has, or -1
  MASKS,        // address of bytes [P, n]: not 0 where part p steers row i
  MASKS_READY,  // 0 until Java has filled the masks of this pass
  SPACE,        // cox_space of the block
  COUNTERS,     // four words: steered, gated off, non-finite, saturated
  LAST_NS = 14,  // time of the call before this one, not yet in the histogram; -1 if none
  LAYER,
  DTYPE,
  DATA,
  STRIDE,
  ROWS,
  WIDTH,
  ROW_INDEX,  // address of int32[ROWS], or 0
  STREAM,     // the CUDA stream that a block in CUDA memory belongs to
  P50,        // filled by `statistics`, as the next three
  P99,
  P999,
  JAVA_BYTES,
  LANE_WORDS
};

// Bits of layers.
class LayerMask {
 public:
  void clear() { std::memset(words_, 0, sizeof words_); }
  void add(int layer) { words_[layer / 64] |= uint64_t{1} << (layer % 64); }
  bool has(int layer) const { return (words_[layer / 64] >> (layer % 64) & 1) != 0; }

 private:
  uint64_t words_[COX_MAX_LAYERS / 64] = {};
};

struct Observer {
  int layer;
  int moment;
  cox_features_callback callback;
  void* user;
  std::shared_ptr<Sae> sae;  // whose weights the Java side reads: closed after it
  std::unique_ptr<JavaObject> java;
};

// Rows of the open pass that go to the harvest when it ends.
struct Staged {
  std::vector<uint8_t> x;
  std::vector<int32_t> token;
  std::vector<int32_t> position;
  std::vector<int64_t> document;
  void clear();
};

enum class Pass { NONE, OPEN, FAILED };

struct Lane {
  explicit Lane(std::shared_ptr<Engine> owner);
  ~Lane();

  EngineUse engine;
  JNIEnv* env;
  const Bridge& bridge;
  alignas(64) int64_t words[LANE_WORDS] = {};
  ErrorBuffer error{};
  std::unique_ptr<JavaObject> java;

  Pass pass = Pass::NONE;
  bool calling = false;  // a callback of the host is running
  LayerMask wanted;      // by the open pass, for whatever reason
  LayerMask steered;     // of those, by a plan
  std::vector<cox_row> rows;
  std::vector<int32_t> rowPlans;
  std::vector<cox_plan*> plans;  // distinct, one reference each
  std::vector<int32_t> partSlots;
  std::vector<int32_t> partPlans;
  std::vector<uint8_t> masks;
  std::vector<uint8_t> original;  // rows as they came, under COX_FAIL_OPEN

  std::shared_ptr<Harvest> harvest;
  Staged staged;
  std::vector<std::unique_ptr<Observer>> observers;
  cox_lane_statistics counts{};
};

// The content of a lane's handle, for its own thread: no lock, since nobody else may open or close it.
Lane& ownLane(const cox_lane* lane);

void beginPass(Lane& lane, const cox_row* rows, size_t n);
void endPass(Lane& lane, bool aborted);

// Does a block's work; throws where it fails, and leaves the policy to the caller.
void runLayer(Lane& lane, const cox_block& block);

// The block, once every field is known to be right for the lane's pass.
cox_block checkedBlock(const Lane& lane, const cox_block* given);

}  // namespace coxswain::host

struct cox_lane : coxswain::host::Handle<coxswain::host::Lane> {
  const pthread_t thread = pthread_self();  // the one that opens it
};
