#include "engine.h"

#include "class_path.h"
#include "jvm.h"
#include "struct.h"

#ifndef COX_VERSION
#error "COX_VERSION is the project's version, given by CMake"
#endif

namespace coxswain::host {

std::mutex& handleMutex() {
  static auto* mutex = new std::mutex;  // outlives every thread
  return *mutex;
}

void keepShell(void* shell) {
  static auto* shells = new std::vector<void*>;
  std::lock_guard<std::mutex> lock(handleMutex());
  shells->push_back(shell);
}

EngineUse::EngineUse(std::shared_ptr<Engine> engine) : engine_(std::move(engine)) {
  int users = engine_->users.load();
  do {
    if (users == kClosing) fail(COX_ERROR_STATE, "the engine is closed");
  } while (!engine_->users.compare_exchange_weak(users, users + 1));
}

void requireLayer(int layer) {
  if (layer < 0 || layer >= COX_MAX_LAYERS) {
    fail(COX_ERROR_ARGUMENT, "layer %d is not between 0 and %d", layer, COX_MAX_LAYERS - 1);
  }
}

namespace {

cox_engine_options engineOptions(const cox_engine_options* given) {
  if (given == nullptr) return cox_engine_options{};
  cox_engine_options options = incoming(given, "cox_engine_options");
  if (options.threads < 0) fail(COX_ERROR_ARGUMENT, "threads is %d; 0 or more is needed", options.threads);
  if (options.fail_policy != COX_FAIL_CLOSED && options.fail_policy != COX_FAIL_OPEN) {
    fail(COX_ERROR_ARGUMENT, "fail_policy %d is neither COX_FAIL_CLOSED nor COX_FAIL_OPEN",
         options.fail_policy);
  }
  if (options.n_jvm_options > 0 && options.jvm_options == nullptr) {
    fail(COX_ERROR_ARGUMENT, "jvm_options is NULL but n_jvm_options is %zu", options.n_jvm_options);
  }
  return options;
}

std::vector<std::string> lines(const char* const* texts, size_t count) {
  std::vector<std::string> copies;
  for (size_t i = 0; i < count; ++i) {
    if (texts[i] == nullptr) fail(COX_ERROR_ARGUMENT, "jvm_options[%zu] is NULL", i);
    copies.emplace_back(texts[i]);
  }
  return copies;
}

// Word of the arguments that Java fills: the CUDA device, or -1.
enum { CUDA_DEVICE = 6 };

std::shared_ptr<Engine> openEngine(const cox_engine_options& options) {
  requireJvm({options.class_path, options.java_home, lines(options.jvm_options, options.n_jvm_options)});
  auto engine = std::make_shared<Engine>();
  engine->policy = static_cast<cox_fail_policy>(options.fail_policy);
  Arguments arguments;
  std::string library = libraryPath();
  arguments.text(options.device == nullptr ? "cpu" : options.device)
      .word(options.threads)
      .text(library.c_str())
      .word(-1);
  const Bridge& bridge = Bridge::get();
  engine->java = bridge.open(bridge.openEngine, nullptr, nullptr, arguments);
  engine->cudaDevice = static_cast<int32_t>(arguments.result(CUDA_DEVICE));
  return engine;
}

void markClosing(Engine& engine) {
  int users = 0;
  if (engine.users.compare_exchange_strong(users, kClosing)) return;
  if (users == kClosing) fail(COX_ERROR_STATE, "the engine is closed");
  fail(COX_ERROR_STATE, "the engine has %d open lanes, harvests or vocabularies; close them first", users);
}

// SAEs and plans go with their engine.
void closeOwned(Engine& engine) {
  std::vector<cox_plan*> plans;
  std::vector<cox_sae*> saes;
  {
    std::lock_guard<std::mutex> lock(engine.mutex);
    plans.swap(engine.plans);
    saes.swap(engine.saes);
  }
  for (cox_plan* plan : plans) {
    plan->references = 0;
    closePlan(plan);
  }
  for (cox_sae* sae : saes) {
    std::shared_ptr<Sae> content;
    std::lock_guard<std::mutex> handles(handleMutex());
    content.swap(sae->impl);
  }
}

}  // namespace
}  // namespace coxswain::host

using namespace coxswain::host;

const char* cox_version(void) { return COX_VERSION; }

const char* cox_last_error(void) { return lastError(); }

int cox_engine_open(const cox_engine_options* options, cox_engine** engine) {
  return guarded([&] {
    requireTarget(engine, "engine");
    *engine = newHandle<cox_engine>(openEngine(engineOptions(options)));
    return COX_OK;
  });
}

int cox_engine_close(cox_engine* engine) {
  return guarded([&] {
    if (engine == nullptr) return COX_OK;
    markClosing(*open(engine, "engine"));
    std::shared_ptr<Engine> content = take(engine, "engine");
    closeOwned(*content);
    return COX_OK;
  });
}
