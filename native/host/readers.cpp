// Who reads a lane's rows besides its plans: a harvest, and observers of active features.
#include <algorithm>

#include "lane.h"

namespace coxswain::host {
namespace {

std::unique_ptr<Observer> openObserver(Lane& lane, cox_sae* sae, int layer, int moment,
                                       cox_features_callback callback, void* user) {
  std::shared_ptr<Sae> content = open(sae, "SAE");
  if (content->engine.get() != &*lane.engine) fail(COX_ERROR_ARGUMENT, "the SAE belongs to another engine");
  auto observer = std::make_unique<Observer>();
  observer->layer = layer;
  observer->moment = moment;
  observer->callback = callback;
  observer->user = user;
  observer->java =
      lane.bridge.open(lane.bridge.openObserver, lane.engine->java.get(), content->java.get(), Arguments());
  observer->sae = std::move(content);
  return observer;
}

void replaceObserver(Lane& lane, cox_sae* sae, int layer, int moment, cox_features_callback callback,
                     void* user) {
  requireLayer(layer);
  if (moment != COX_BEFORE_PLANS && moment != COX_AFTER_PLANS) {
    fail(COX_ERROR_ARGUMENT, "moment %d is neither COX_BEFORE_PLANS nor COX_AFTER_PLANS", moment);
  }
  std::unique_ptr<Observer> added;
  if (callback != nullptr) added = openObserver(lane, sae, layer, moment, callback, user);
  auto& all = lane.observers;
  auto same = [&](const auto& observer) { return observer->layer == layer && observer->moment == moment; };
  all.erase(std::remove_if(all.begin(), all.end(), same), all.end());
  if (added) all.push_back(std::move(added));
}

void requireBetweenPasses(const Lane& lane) {
  if (lane.pass != Pass::NONE) fail(COX_ERROR_STATE, "a pass is open; end it first");
}

}  // namespace
}  // namespace coxswain::host

using namespace coxswain::host;

int cox_lane_observe(cox_lane* lane, cox_sae* sae, int layer, int moment, cox_features_callback callback,
                     void* user) {
  return guarded([&] {
    Lane& content = ownLane(lane);
    requireBetweenPasses(content);
    replaceObserver(content, sae, layer, moment, callback, user);
    return COX_OK;
  });
}

int cox_lane_harvest(cox_lane* lane, cox_harvest* harvest) {
  return guarded([&] {
    Lane& content = ownLane(lane);
    requireBetweenPasses(content);
    std::shared_ptr<Harvest> target;
    if (harvest != nullptr) target = open(harvest, "harvest");
    if (target && &*target->engine != &*content.engine) {
      fail(COX_ERROR_ARGUMENT, "the harvest belongs to another engine");
    }
    content.harvest = std::move(target);
    return COX_OK;
  });
}
