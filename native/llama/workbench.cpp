#include "workbench.h"

#include "failure.h"

namespace coxllama {

void Workbench::load(const std::string& path, int threads, const std::string& device) {
  if (threads < 1 || threads > 512) {
    throw Failure(Fault::kUsage, "threads = " + std::to_string(threads) + ": use 1 to 512");
  }
  device_ = device;
  model_ = std::make_unique<Model>(path, threads);
}

const Model& Workbench::model() const {
  if (!model_) {
    throw Failure(Fault::kUsage, "no model is loaded: send 'load' first");
  }
  return *model_;
}

std::unique_ptr<Session> Workbench::session(SessionShape shape) const {
  auto session = std::make_unique<Session>(model(), shape);
  session->hook().cancelFlag(hangUp_);
  return session;
}

cox_engine* Workbench::engine() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!engine_) {
    engine_ = openEngine(model().threads(), device_);
  }
  return engine_.get();
}

cox_lane* Workbench::lane() {
  if (!lane_) {
    lane_ = openLane(engine());
  }
  return lane_.get();
}

cox_sae* Workbench::sae(const std::string& path) {
  cox_engine* opened = engine();
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = saes_.find(path);
  if (found == saes_.end()) {
    found = saes_.emplace(path, loadSae(opened, path, model().width())).first;
  }
  return found->second.get();
}

PlanHandle Workbench::plan(const Json& run, int layer) {
  if (run.is_null() || !run.contains("plan")) {
    return PlanHandle();
  }
  for (const char* field : {"sae", "plan"}) {
    if (!run.contains(field) || !run[field].is_string()) {
      throw Failure(Fault::kUsage, std::string("a run with a plan lacks the text '") + field + "'");
    }
  }
  model().requireInnerLayer(layer);
  return compilePlan(engine(), sae(run["sae"].get<std::string>()), run["plan"].get<std::string>(),
                     run.value("base", std::string()), layer);
}

}  // namespace coxllama
