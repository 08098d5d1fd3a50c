// Coxswain's engine behind its C API, with owners that clean up. Every error becomes a Failure.
#pragma once

#include <coxswain/coxswain.h>

#include <memory>
#include <string>

#include "hook.h"

namespace coxllama {

// Throws Failure with the engine's own line unless the call succeeded.
void check(int status);

template <typename T, int (*Release)(T*)>
struct Releaser {
  void operator()(T* handle) const { Release(handle); }
};

template <typename T, int (*Release)(T*)>
using Handle = std::unique_ptr<T, Releaser<T, Release>>;

using EngineHandle = Handle<cox_engine, cox_engine_close>;
using SaeHandle = Handle<cox_sae, cox_sae_release>;
using PlanHandle = Handle<cox_plan, cox_plan_release>;
using LaneHandle = Handle<cox_lane, cox_lane_close>;
using HarvestHandle = Handle<cox_harvest, cox_harvest_abandon>;
using VocabularyHandle = Handle<cox_vocabulary, cox_vocabulary_abandon>;

EngineHandle openEngine(int threads, const std::string& device);
LaneHandle openLane(cox_engine* engine);

// Throws Failure where the SAE's width is not the model's.
SaeHandle loadSae(cox_engine* engine, const std::string& path, int modelWidth);

// What a plan's text is: its JSON, and the folder its file names start from.
PlanHandle compilePlan(cox_engine* engine, cox_sae* sae, const std::string& json, const std::string& baseDir,
                       int layer);

cox_lane_statistics statistics(cox_lane* lane);

// Hands the residual stream to a lane: steering, harvest and observers happen in place.
class LaneTap : public Tap {
 public:
  explicit LaneTap(cox_lane* lane) : lane_(lane) {}

  bool wants(int layer) override { return cox_wants(lane_, layer) != 0; }
  void begin(const cox_row* rows, int64_t n) override { check(cox_begin(lane_, rows, n)); }
  void layer(const Block& block) override;
  void end(bool aborted) override { check(cox_end(lane_, aborted ? 1 : 0)); }

 private:
  cox_lane* lane_;
};

}  // namespace coxllama
