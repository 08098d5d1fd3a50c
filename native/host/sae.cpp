#include <algorithm>
#include <cstring>

#include "engine.h"
#include "struct.h"

namespace coxswain::host {
namespace {

// Words of the call's arguments: [1,2] the path, then what Java fills in.
enum { WIDTH = 3, FEATURES, K, LAYER, MEAN_NORM, SHA256 };

std::shared_ptr<Sae> loadSae(std::shared_ptr<Engine> engine, const char* path) {
  auto sae = std::make_shared<Sae>();
  Arguments arguments;
  arguments.text(path).word(0).word(0).word(0).word(0).word(0).address(sae->info.model_sha256);
  const Bridge& bridge = Bridge::get();
  sae->java = bridge.open(bridge.loadSae, engine->java.get(), nullptr, arguments);
  sae->info.width = static_cast<int32_t>(arguments.result(WIDTH));
  sae->info.features = static_cast<int32_t>(arguments.result(FEATURES));
  sae->info.k = static_cast<int32_t>(arguments.result(K));
  sae->info.layer = static_cast<int32_t>(arguments.result(LAYER));
  int64_t bits = arguments.result(MEAN_NORM);
  std::memcpy(&sae->info.mean_norm, &bits, sizeof bits);
  sae->engine = std::move(engine);
  return sae;
}

void forget(Engine& engine, cox_sae* sae) {
  std::lock_guard<std::mutex> lock(engine.mutex);
  engine.saes.erase(std::remove(engine.saes.begin(), engine.saes.end(), sae), engine.saes.end());
}

}  // namespace
}  // namespace coxswain::host

using namespace coxswain::host;

int cox_sae_load(cox_engine* engine, const char* path, cox_sae** sae) {
  return guarded([&] {
    requireTarget(sae, "SAE");
    std::shared_ptr<Engine> owner = open(engine, "engine");
    if (path == nullptr) fail(COX_ERROR_ARGUMENT, "the SAE's path is NULL");
    cox_sae* handle = newHandle<cox_sae>(loadSae(owner, path));
    std::lock_guard<std::mutex> lock(owner->mutex);
    owner->saes.push_back(handle);
    *sae = handle;
    return COX_OK;
  });
}

int cox_sae_describe(const cox_sae* sae, cox_sae_info* info) {
  return guarded([&] {
    outgoing(info, open(sae, "SAE")->info, "cox_sae_info");
    return COX_OK;
  });
}

int cox_sae_release(cox_sae* sae) {
  return guarded([&] {
    if (sae == nullptr) return COX_OK;
    std::shared_ptr<Sae> content = take(sae, "SAE");
    forget(*content->engine, sae);
    return COX_OK;
  });
}
