#include "lane.h"

#include <algorithm>

#include "jvm.h"
#include "struct.h"

namespace coxswain::host {

void Staged::clear() {
  x.clear();
  token.clear();
  position.clear();
  document.clear();
}

Lane::Lane(std::shared_ptr<Engine> owner)
    : engine(std::move(owner)), env(attachedEnv()), bridge(Bridge::get()) {
  words[ERROR] = reinterpret_cast<int64_t>(&error);
  words[LAST_NS] = -1;
  Arguments arguments;
  arguments.address(words);
  java = bridge.open(bridge.openLane, engine->java.get(), nullptr, arguments);
}

Lane::~Lane() {
  for (cox_plan* plan : plans) plan->release();
}

namespace {

// Which of the pass's plans this is, taking a reference the first time.
int32_t placeOf(Lane& lane, cox_plan* plan, size_t row) {
  auto found = std::find(lane.plans.begin(), lane.plans.end(), plan);
  if (found != lane.plans.end()) return static_cast<int32_t>(found - lane.plans.begin());
  lane.plans.push_back(plan);
  if (!plan->retain()) {
    lane.plans.pop_back();
    fail(COX_ERROR_RELEASED, "the plan of row %zu was released; begin again with the current one", row);
  }
  const Plan& content = *plan->impl;
  if (content.engine.get() != &*lane.engine) {
    fail(COX_ERROR_ARGUMENT, "the plan of row %zu belongs to another engine", row);
  }
  auto place = static_cast<int32_t>(lane.plans.size() - 1);
  for (const PlanPart& part : content.parts) {
    lane.partSlots.push_back(part.slot);
    lane.partPlans.push_back(place);
    lane.steered.add(part.layer);
  }
  return place;
}

void clearPass(Lane& lane) {
  for (cox_plan* plan : lane.plans) plan->release();
  lane.plans.clear();
  lane.partSlots.clear();
  lane.partPlans.clear();
  lane.staged.clear();
  lane.wanted.clear();
  lane.steered.clear();
  lane.pass = Pass::NONE;
}

void takePlans(Lane& lane) {
  cox_plan* last = nullptr;
  int32_t place = -1;
  for (size_t i = 0; i < lane.rows.size(); ++i) {
    if (lane.rows[i].reserved != 0)
      fail(COX_ERROR_ARGUMENT, "row %zu has reserved %u; 0 is needed", i, lane.rows[i].reserved);
    cox_plan* plan = lane.rows[i].plan;
    if (plan != last) {
      place = plan == nullptr ? -1 : placeOf(lane, plan, i);
      last = plan;
    }
    lane.rowPlans[i] = place;
  }
}

void share(Lane& lane) {
  auto address = [](auto& values) { return reinterpret_cast<int64_t>(values.data()); };
  lane.words[PASS_ROWS] = address(lane.rows);
  lane.words[PASS_COUNT] = static_cast<int64_t>(lane.rows.size());
  lane.words[PART_SLOTS] = address(lane.partSlots);
  lane.words[PART_PLANS] = address(lane.partPlans);
  lane.words[PART_COUNT] = static_cast<int64_t>(lane.partSlots.size());
  lane.words[ROW_PLANS] = address(lane.rowPlans);
  lane.words[MASKS] = address(lane.masks);
  lane.words[MASKS_READY] = 0;
}

// Layers for the harvest and for observers; a harvest that is over is let go.
void wantReaders(Lane& lane) {
  lane.wanted = lane.steered;
  if (lane.harvest) {
    std::lock_guard<std::mutex> lock(lane.harvest->mutex);
    if (lane.harvest->open) {
      lane.wanted.add(lane.harvest->layer);
    } else {
      lane.harvest.reset();
    }
  }
  for (const auto& observer : lane.observers) lane.wanted.add(observer->layer);
}

// Closed: the pass is over for good. Open: the rows are put back, and the pass goes on.
int failLayer(Lane& lane, const Failure& failure) {
  ++lane.counts.failed;
  if (lane.engine->policy == COX_FAIL_OPEN) {
    report(failure.code, failure.message.c_str());
    return COX_PASSED_OPEN;
  }
  lane.pass = Pass::FAILED;
  throw failure;
}

int layer(Lane& lane, const cox_block* given) {
  if (lane.pass == Pass::NONE) fail(COX_ERROR_STATE, "cox_layer outside of a pass; call cox_begin first");
  if (lane.pass == Pass::FAILED)
    fail(COX_ERROR_DROPPED, "the pass was dropped after an error; begin the next one");
  try {
    cox_block block = checkedBlock(lane, given);
    if (lane.wanted.has(block.layer)) runLayer(lane, block);
    return COX_OK;
  } catch (const Failure& failure) {
    return failLayer(lane, failure);
  } catch (const std::bad_alloc&) {
    return failLayer(lane, Failure{COX_ERROR_MEMORY, "out of memory"});
  } catch (const std::exception& error) {
    return failLayer(lane, Failure{COX_ERROR_INTERNAL, error.what()});
  }
}

void appendStaged(Lane& lane) {
  Harvest& harvest = *lane.harvest;
  Staged& staged = lane.staged;
  std::lock_guard<std::mutex> lock(harvest.mutex);
  if (!harvest.open) fail(COX_ERROR_STATE, "the harvest was finished or abandoned while a pass was open");
  Arguments arguments;
  arguments.word(static_cast<int64_t>(staged.token.size()))
      .address(staged.x.data())
      .address(staged.token.data())
      .address(staged.position.data())
      .address(staged.document.data())
      .word(0);
  lane.bridge.run(lane.bridge.append, *harvest.java, arguments);
  harvest.rows += staged.token.size();
  harvest.documents = static_cast<uint64_t>(arguments.result(6));
  lane.counts.harvested += staged.token.size();
}

}  // namespace

Lane& ownLane(const cox_lane* lane) {
  if (lane == nullptr) fail(COX_ERROR_ARGUMENT, "the lane is NULL");
  if (!pthread_equal(lane->thread, pthread_self())) {
    fail(COX_ERROR_THREAD, "the lane belongs to the thread that opened it");
  }
  if (!lane->impl) fail(COX_ERROR_STATE, "the lane is closed");
  if (lane->impl->calling) fail(COX_ERROR_STATE, "the lane was called from its own callback");
  return *lane->impl;
}

void beginPass(Lane& lane, const cox_row* rows, size_t n) {
  if (lane.pass != Pass::NONE) endPass(lane, true);
  if (rows == nullptr && n > 0) fail(COX_ERROR_ARGUMENT, "rows is NULL but n is %zu", n);
  if (n > INT32_MAX) fail(COX_ERROR_ARGUMENT, "n is %zu; a pass has at most 2^31-1 rows", n);
  lane.rows.assign(rows, rows + n);
  lane.rowPlans.resize(n);
  try {
    takePlans(lane);
    lane.masks.resize(lane.partSlots.size() * n);
    share(lane);
    wantReaders(lane);
  } catch (...) {
    clearPass(lane);
    throw;
  }
  lane.pass = Pass::OPEN;
  ++lane.counts.passes;
}

void endPass(Lane& lane, bool aborted) {
  bool keep = lane.pass == Pass::OPEN && !aborted;
  if (!keep) ++lane.counts.dropped;
  try {
    if (keep && !lane.staged.token.empty()) appendStaged(lane);
  } catch (...) {
    clearPass(lane);
    throw;
  }
  clearPass(lane);
}

}  // namespace coxswain::host

using namespace coxswain::host;

int cox_lane_open(cox_engine* engine, cox_lane** lane) {
  return guarded([&] {
    requireTarget(lane, "lane");
    *lane = newHandle<cox_lane>(std::make_shared<Lane>(open(engine, "engine")));
    return COX_OK;
  });
}

int cox_lane_close(cox_lane* lane) {
  return guarded([&] {
    if (lane == nullptr) return COX_OK;
    ownLane(lane);
    take(lane, "lane");
    return COX_OK;
  });
}

int cox_begin(cox_lane* lane, const cox_row* rows, size_t n) {
  return guarded([&] {
    beginPass(ownLane(lane), rows, n);
    return COX_OK;
  });
}

int cox_wants(const cox_lane* lane, int layer) {
  if (lane == nullptr || layer < 0 || layer >= COX_MAX_LAYERS) return 0;
  const Lane* content = lane->impl.get();
  return content != nullptr && content->wanted.has(layer) ? 1 : 0;
}

int cox_layer(cox_lane* lane, const cox_block* block) {
  return guarded([&] { return layer(ownLane(lane), block); });
}

int cox_end(cox_lane* lane, int aborted) {
  return guarded([&] {
    Lane& content = ownLane(lane);
    if (content.pass == Pass::NONE) fail(COX_ERROR_STATE, "cox_end outside of a pass");
    endPass(content, aborted != 0);
    return COX_OK;
  });
}

int cox_lane_describe(cox_lane* lane, cox_lane_statistics* statistics) {
  return guarded([&] {
    Lane& content = ownLane(lane);
    requireSize(statistics, "cox_lane_statistics");
    content.bridge.run(content.bridge.statistics, *content.java, Arguments());
    cox_lane_statistics counts = content.counts;
    counts.steered = static_cast<uint64_t>(content.words[COUNTERS]);
    counts.gated_off = static_cast<uint64_t>(content.words[COUNTERS + 1]);
    counts.non_finite = static_cast<uint64_t>(content.words[COUNTERS + 2]);
    counts.saturated = static_cast<uint64_t>(content.words[COUNTERS + 3]);
    counts.ns_p50 = static_cast<uint64_t>(content.words[P50]);
    counts.ns_p99 = static_cast<uint64_t>(content.words[P99]);
    counts.ns_p999 = static_cast<uint64_t>(content.words[P999]);
    counts.java_bytes = static_cast<uint64_t>(content.words[JAVA_BYTES]);
    outgoing(statistics, counts, "cox_lane_statistics");
    return COX_OK;
  });
}
