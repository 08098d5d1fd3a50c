// What the handles of coxswain.h stand for; lanes aside (lane.h).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "bridge.h"
#include "handle.h"

namespace coxswain::host {

constexpr int kClosing = -1;

struct Engine {
  std::unique_ptr<JavaObject> java;
  cox_fail_policy policy = COX_FAIL_CLOSED;
  int32_t cudaDevice = -1;    // it computes on; -1: on the CPU
  std::atomic<int> users{0};  // open lanes, harvests and vocabularies; kClosing once it closes
  std::mutex mutex;           // of the lists
  std::vector<cox_sae*> saes;
  std::vector<cox_plan*> plans;
};

// Counts a lane, harvest or vocabulary among an engine's users for as long as it lives, and keeps the engine.
class EngineUse {
 public:
  // Throws COX_ERROR_STATE where the engine is being closed.
  explicit EngineUse(std::shared_ptr<Engine> engine);
  ~EngineUse() { --engine_->users; }
  EngineUse(const EngineUse&) = delete;
  EngineUse& operator=(const EngineUse&) = delete;
  Engine& operator*() const { return *engine_; }
  Engine* operator->() const { return engine_.get(); }

 private:
  std::shared_ptr<Engine> engine_;
};

struct Sae {
  std::shared_ptr<Engine> engine;
  std::unique_ptr<JavaObject> java;
  cox_sae_info info{};
};

// A plan at a layer, as the Java side compiled it.
struct PlanPart {
  std::shared_ptr<JavaObject> java;
  int32_t slot;  // its place in the engine's table of plans on the Java side
  int32_t layer;
};

struct Plan {
  std::shared_ptr<Engine> engine;
  std::vector<PlanPart> parts;  // in the order in which they run
  cox_plan_info info{};
};

struct Harvest {
  explicit Harvest(std::shared_ptr<Engine> owner) : engine(std::move(owner)) {}
  EngineUse engine;
  std::unique_ptr<JavaObject> java;
  std::mutex mutex;   // of what follows, and of the Java object
  bool open = true;   // neither finished nor abandoned
  uint64_t rows = 0;  // appended
  uint64_t documents = 0;
  int32_t layer;
  int32_t width;
  int32_t dtype;
};

// Throws unless 0 <= layer < COX_MAX_LAYERS.
void requireLayer(int layer);

// Closes the plan of a handle whose last reference went, or whose engine closes.
void closePlan(cox_plan* plan);

}  // namespace coxswain::host

struct cox_engine : coxswain::host::Handle<coxswain::host::Engine> {};
struct cox_sae : coxswain::host::Handle<coxswain::host::Sae> {};
struct cox_harvest : coxswain::host::Handle<coxswain::host::Harvest> {};

struct cox_plan : coxswain::host::Handle<coxswain::host::Plan> {
  std::atomic<int64_t> references{1};

  // A reference more, unless the last one is gone.
  bool retain() {
    int64_t seen = references.load(std::memory_order_relaxed);
    while (seen > 0) {
      if (references.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire)) return true;
    }
    return false;
  }
  // False if there was none to give back.
  bool release() {
    int64_t seen = references.load(std::memory_order_relaxed);
    do {
      if (seen <= 0) return false;
    } while (!references.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel));
    if (seen == 1) coxswain::host::closePlan(this);
    return true;
  }
};
