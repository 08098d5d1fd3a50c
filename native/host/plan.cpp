#include <algorithm>
#include <cstring>

#include "engine.h"
#include "struct.h"

namespace coxswain::host {

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
  std::shared_ptr<JavaObject> java =
      bridge.open(bridge.compilePlan, engine->java.get(), sae->java.get(), arguments);
  plan->parts.push_back({std::move(java), static_cast<int32_t>(arguments.result(SLOT)), options.layer});
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

// Adds a plan's parts to a combined one, and its hash to those of the others.
void append(Plan& combined, std::string& hashes, cox_plan* handle, size_t number) {
  Reference held(handle);
  std::shared_ptr<Plan> plan = open(handle, "plan");
  if (plan->engine != combined.engine) fail(COX_ERROR_ARGUMENT, "part %zu belongs to another engine", number);
  if (number > 0 && plan->info.width != combined.info.width) {
    fail(COX_ERROR_ARGUMENT, "part %zu steers rows of %d, the parts before it rows of %d", number,
         plan->info.width, combined.info.width);
  }
  combined.info.width = plan->info.width;
  combined.parts.insert(combined.parts.end(), plan->parts.begin(), plan->parts.end());
  hashes.append(reinterpret_cast<const char*>(plan->info.hash), COX_HASH_BYTES);
  for (size_t w = 0; w < COX_MAX_LAYERS / 64; ++w) combined.info.layer_mask[w] |= plan->info.layer_mask[w];
}

std::shared_ptr<Plan> combine(std::shared_ptr<Engine> engine, cox_plan* const* parts, size_t n) {
  if (parts == nullptr || n == 0) fail(COX_ERROR_ARGUMENT, "a combined plan needs one part or more");
  auto combined = std::make_shared<Plan>();
  combined->engine = std::move(engine);
  std::string hashes;
  for (size_t i = 0; i < n; ++i) {
    append(*combined, hashes, parts[i], i);
  }
  Arguments arguments;
  arguments.text(hashes.data(), hashes.size()).address(combined->info.hash);
  const Bridge& bridge = Bridge::get();
  bridge.run(bridge.hash, *combined->engine->java, arguments);
  return combined;
}

void publish(Engine& owner, std::shared_ptr<Plan> content, cox_plan** plan) {
  cox_plan* handle = newHandle<cox_plan>(std::move(content));
  std::lock_guard<std::mutex> lock(owner.mutex);
  owner.plans.push_back(handle);
  *plan = handle;
}

}  // namespace
}  // namespace coxswain::host

using namespace coxswain::host;

int cox_plan_compile(cox_engine* engine, const cox_plan_options* options, cox_plan** plan) {
  return guarded([&] {
    requireTarget(plan, "plan");
    std::shared_ptr<Engine> owner = open(engine, "engine");
    publish(*owner, compile(owner, incoming(options, "cox_plan_options")), plan);
    return COX_OK;
  });
}

int cox_plan_combine(cox_engine* engine, cox_plan* const* parts, size_t n, cox_plan** plan) {
  return guarded([&] {
    requireTarget(plan, "plan");
    std::shared_ptr<Engine> owner = open(engine, "engine");
    publish(*owner, combine(owner, parts, n), plan);
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
