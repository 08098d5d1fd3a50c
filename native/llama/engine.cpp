#include "engine.h"

#include "failure.h"

namespace coxllama {
namespace {

Fault faultOf(int status) {
  switch (status) {
    case COX_ERROR_DATA:
      return Fault::kData;
    case COX_ERROR_FILE:
      return Fault::kFile;
    case COX_ERROR_ARGUMENT:
    case COX_ERROR_UNSUPPORTED:
      return Fault::kUsage;
    default:
      return Fault::kDevice;
  }
}

}  // namespace

void check(int status) {
  if (status < 0) {
    throw Failure(faultOf(status), cox_last_error());
  }
}

EngineHandle openEngine(int threads, const std::string& device) {
  cox_engine_options options = {};
  options.size = sizeof options;
  options.threads = threads;
  options.device = device.c_str();
  cox_engine* engine = nullptr;
  check(cox_engine_open(&options, &engine));
  return EngineHandle(engine);
}

LaneHandle openLane(cox_engine* engine) {
  cox_lane* lane = nullptr;
  check(cox_lane_open(engine, &lane));
  return LaneHandle(lane);
}

SaeHandle loadSae(cox_engine* engine, const std::string& path, int modelWidth) {
  cox_sae* raw = nullptr;
  check(cox_sae_load(engine, path.c_str(), &raw));
  SaeHandle sae(raw);
  cox_sae_info info = {};
  info.size = sizeof info;
  check(cox_sae_describe(raw, &info));
  if (info.width != modelWidth) {
    throw Failure(Fault::kData, path + ": the SAE reads hidden states of width " +
                                    std::to_string(info.width) + ", the model's are " +
                                    std::to_string(modelWidth) + " wide");
  }
  return sae;
}

PlanHandle compilePlan(cox_engine* engine, cox_sae* sae, const std::string& json, const std::string& baseDir,
                       int layer) {
  cox_plan_options options = {};
  options.size = sizeof options;
  options.json = json.c_str();
  options.json_bytes = json.size();
  options.base_dir = baseDir.empty() ? nullptr : baseDir.c_str();
  options.sae = sae;
  options.layer = layer;
  cox_plan* plan = nullptr;
  check(cox_plan_compile(engine, &options, &plan));
  return PlanHandle(plan);
}

cox_lane_statistics statistics(cox_lane* lane) {
  cox_lane_statistics result = {};
  result.size = sizeof result;
  check(cox_lane_describe(lane, &result));
  return result;
}

void LaneTap::layer(const Block& block) {
  cox_block given = {};
  given.size = sizeof given;
  given.layer = block.layer;
  given.dtype = COX_F32;
  given.space = COX_HOST;
  given.data = block.values;
  given.rows = block.rows;
  given.width = block.width;
  check(cox_layer(lane_, &given));
}

}  // namespace coxllama
