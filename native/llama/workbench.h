// What stays loaded between requests: the model, the engine and its SAEs.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "channel.h"
#include "engine.h"
#include "model.h"
#include "session.h"

namespace coxllama {

// One thread, but for engine() and sae(), which any thread may call.
class Workbench {
 public:
  explicit Workbench(const Channel& channel) : hangUp_(channel.hangUp()) {}

  // The engine's device, as cox_engine_options names it.
  void load(const std::string& path, int threads, const std::string& device);
  const Model& model() const;  // throws Failure before load

  // A session whose decodes end when the parent hangs up.
  std::unique_ptr<Session> session(SessionShape shape) const;

  // The engine starts its JVM when first asked for.
  cox_engine* engine();

  // Of the thread that serves requests.
  cox_lane* lane();

  cox_sae* sae(const std::string& path);

  // {"sae": PATH, "plan": TEXT, "base": FOLDER}, or null for none.
  PlanHandle plan(const Json& run, int layer);

 private:
  std::mutex mutex_;
  const std::atomic<bool>* hangUp_;
  std::unique_ptr<Model> model_;
  std::string device_;
  EngineHandle engine_;
  LaneHandle lane_;
  std::map<std::string, SaeHandle> saes_;
};

}  // namespace coxllama
