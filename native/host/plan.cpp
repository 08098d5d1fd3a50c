#include <algorithm>
#include <cstring>

#include "engine.h"
#include "struct.h"

namespace cox::host {

void closePlan(cox_plan* plan) {
  std::shared_ptr<Plan> content;
  {
    std::lock_guard<std::mutex> lock(handleMutex());
    content.swap(plan->impl);
  }
  if (!content) return;
  std::vector<cox_plan*>& plans = content->engine->plans;
  std::lock_guard<std::mutex> lock(content->engine->mutex);
  plans.erase(std::remove(plans.begin(), plans.end(), plan), plans.end());
}

namespace {

// Words of the call's arguments: [1,2] JSON, [3,4] folder, [5] layer, [6] hash, then what Java fills in.
enum { WIDTH = 7, SLOT };

std::shared_ptr<Plan> compile(std::shared_ptr<Engine> engine, const cox_plan_options& options) {
  std::shared_ptr<Sae> sae = open(options.sae, "SAE");
  if (sae->engine != engine) fail(COX_ERROR_ARGUMENT, "the SAE belongs to another engine");
  requireLayer(options.layer);
  if (options.json == nullptr) fail(COX_ERROR_ARGUMENT, "the plan's json is NULL");
  auto plan = std::make_shared<Plan>();
  Arguments arguments;
  arguments.text(options.json, options.json_bytes == 0 ? std::strlen(options.json) : options.json_bytes)
      .text(options.base_dir == nullptr ? "" : options.base_dir)
      .word(options.layer)
      .address(plan->info.hash)
      .word(0)
      .word(0);
  const Bridge& bridge = Bridge::get();
  plan->java = bridge.open(bridge.compilePlan, engine->java.get(), sae->java.get(), arguments);
  plan->layer = options.layer;
  plan->slot = static_cast<int32_t>(arguments.result(SLOT));
  plan->info.width = static_cast<int32_t>(arguments.result(WIDTH));
  plan->info.layer_mask[options.layer / 64] = uint64_t{1} << (options.layer % 64);
  plan->engine = std::move(engine);
  return plan;
}

void requireReference(bool held) {
  if (!held) fail(COX_ERROR_RELEASED, "the plan was released");
}

// A reference for the time of a call.
class Reference {
 public:
  explicit Reference(cox_plan* plan) : plan_(plan) {
    if (plan == nullptr) fail(COX_ERROR_ARGUMENT, "the plan is NULL");
    requireReference(plan->retain());
  }
  ~Reference() { plan_->release(); }
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

 private:
  cox_plan* plan_;
};

}  // namespace
}  // namespace cox::host

using namespace cox::host;

int cox_plan_compile(cox_engine* engine, const cox_plan_options* options, cox_plan** plan) {
  return guarded([&] {
    requireTarget(plan, "plan");
    std::shared_ptr<Engine> owner = open(engine, "engine");
    cox_plan* handle = newHandle<cox_plan>(compile(owner, incoming(options, "cox_plan_options")));
    std::lock_guard<std::mutex> lock(owner->mutex);
    owner->plans.push_back(handle);
    *plan = handle;
    return COX_OK;
  });
}

int cox_plan_describe(const cox_plan* plan, cox_plan_info* info) {
  return guarded([&] {
    Reference held(const_cast<cox_plan*>(plan));
    outgoing(info, open(plan, "plan")->info, "cox_plan_info");
    return COX_OK;
  });
}

int cox_plan_retain(cox_plan* plan) {
  return guarded([&] {
    if (plan != nullptr) requireReference(plan->retain());
    return COX_OK;
  });
}

int cox_plan_release(cox_plan* plan) {
  return guarded([&] {
    if (plan != nullptr) requireReference(plan->release());
    return COX_OK;
  });
}
