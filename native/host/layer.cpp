// The hot path: one block of hidden states.
#include <algorithm>
#include <chrono>

#include "lane.h"
#include "struct.h"

namespace coxswain::host {
namespace {

using Clock = std::chrono::steady_clock;

size_t elementBytes(int32_t dtype) { return dtype == COX_F32 ? 4 : 2; }

void requireFormat(const cox_block& block) {
  requireLayer(block.layer);
  if (block.dtype != COX_F32 && block.dtype != COX_F16 && block.dtype != COX_BF16) {
    fail(COX_ERROR_ARGUMENT, "block.dtype %d is none of COX_F32, COX_F16, COX_BF16", block.dtype);
  }
}

// Whether the block's rows are where the engine and whoever else wants them can reach them.
void requireSpace(const Lane& lane, const cox_block& block) {
  if (block.space == COX_HOST) return;
  if (block.space != COX_CUDA)
    fail(COX_ERROR_ARGUMENT, "block.space %d is none of COX_HOST, COX_CUDA", block.space);
  int32_t device = lane.engine->cudaDevice;
  if (device < 0) {
    fail(COX_ERROR_ARGUMENT,
         "block.space is COX_CUDA, but the engine computes on the CPU; open it with device \"cuda\"");
  }
  if (block.device != device) {
    fail(COX_ERROR_ARGUMENT, "block.device is %d, but the engine computes on cuda:%d", block.device, device);
  }
  bool observed = std::any_of(lane.observers.begin(), lane.observers.end(),
                              [&](const auto& observer) { return observer->layer == block.layer; });
  if (observed || (lane.harvest && lane.harvest->layer == block.layer)) {
    fail(COX_ERROR_UNSUPPORTED,
         "the lane harvests or observes layer %d, whose block is in CUDA memory; a copy in host memory is "
         "needed",
         block.layer);
  }
}

void requireExtent(const cox_block& block) {
  auto element = static_cast<int64_t>(elementBytes(block.dtype));
  if (block.rows < 0 || block.rows > INT32_MAX) {
    fail(COX_ERROR_ARGUMENT, "block.rows is %lld; 0 to 2^31-1 is needed", static_cast<long long>(block.rows));
  }
  if (block.width < 1 || block.width > INT32_MAX) {
    fail(COX_ERROR_ARGUMENT, "block.width is %lld; 1 to 2^31-1 is needed",
         static_cast<long long>(block.width));
  }
  if (block.row_stride < block.width * element || block.row_stride % element != 0) {
    fail(COX_ERROR_ARGUMENT, "block.row_stride is %lld; a multiple of %lld from %lld on is needed",
         static_cast<long long>(block.row_stride), static_cast<long long>(element),
         static_cast<long long>(block.width * element));
  }
  if (block.rows > 0 && block.data == nullptr) fail(COX_ERROR_ARGUMENT, "block.data is NULL");
  if (reinterpret_cast<uintptr_t>(block.data) % static_cast<uintptr_t>(element) != 0) {
    fail(COX_ERROR_ARGUMENT, "block.data is not aligned to its %lld-byte elements",
         static_cast<long long>(element));
  }
}

void requireRows(const Lane& lane, const cox_block& block) {
  auto passRows = static_cast<int64_t>(lane.rows.size());
  if (block.row_index == nullptr) {
    if (block.rows > passRows) {
      fail(COX_ERROR_ARGUMENT, "block.rows is %lld, but the pass has %lld rows",
           static_cast<long long>(block.rows), static_cast<long long>(passRows));
    }
    return;
  }
  for (int64_t i = 0; i < block.rows; ++i) {
    if (block.row_index[i] < 0 || block.row_index[i] >= passRows) {
      fail(COX_ERROR_ARGUMENT, "block.row_index[%lld] is %d, but the pass has %lld rows",
           static_cast<long long>(i), block.row_index[i], static_cast<long long>(passRows));
    }
  }
}

const uint8_t* rowAt(const cox_block& block, int64_t i) {
  return static_cast<const uint8_t*>(block.data) + i * block.row_stride;
}

int64_t passRow(const cox_block& block, int64_t i) {
  return block.row_index == nullptr ? i : block.row_index[i];
}

void stage(Lane& lane, const cox_block& block) {
  const Harvest& harvest = *lane.harvest;
  if (block.width != harvest.width || block.dtype != harvest.dtype) {
    fail(COX_ERROR_ARGUMENT, "the block has width %lld and dtype %d, the harvest %d and %d",
         static_cast<long long>(block.width), block.dtype, harvest.width, harvest.dtype);
  }
  size_t bytes = static_cast<size_t>(block.width) * elementBytes(block.dtype);
  for (int64_t i = 0; i < block.rows; ++i) {
    const cox_row& row = lane.rows[passRow(block, i)];
    if ((row.flags & COX_ROW_PAD) != 0) continue;
    lane.staged.x.insert(lane.staged.x.end(), rowAt(block, i), rowAt(block, i) + bytes);
    lane.staged.token.push_back(row.token);
    lane.staged.position.push_back(row.position);
    lane.staged.document.push_back(static_cast<int64_t>(row.request));
  }
}

// Copies the block's rows out, or back.
void copyRows(const cox_block& block, std::vector<uint8_t>& copy, bool back) {
  size_t bytes = static_cast<size_t>(block.width) * elementBytes(block.dtype);
  if (!back) copy.resize(static_cast<size_t>(block.rows) * bytes);
  for (int64_t i = 0; i < block.rows; ++i) {
    uint8_t* row = static_cast<uint8_t*>(block.data) + i * block.row_stride;
    uint8_t* kept = copy.data() + static_cast<size_t>(i) * bytes;
    std::memcpy(back ? row : kept, back ? kept : row, bytes);
  }
}

void shareBlock(Lane& lane, const cox_block& block) {
  lane.words[SPACE] = block.space;
  lane.words[LAYER] = block.layer;
  lane.words[DTYPE] = block.dtype;
  lane.words[DATA] = reinterpret_cast<int64_t>(block.data);
  lane.words[STRIDE] = block.row_stride;
  lane.words[ROWS] = block.rows;
  lane.words[WIDTH] = block.width;
  lane.words[ROW_INDEX] = reinterpret_cast<int64_t>(block.row_index);
  lane.words[STREAM] = reinterpret_cast<int64_t>(block.stream);
}

void steer(Lane& lane, const cox_block& block) {
  shareBlock(lane, block);
  jint code = lane.env->CallStaticIntMethod(lane.bridge.type, lane.bridge.layer, lane.java->get());
  requireDone(lane.env, code, lane.error);
}

// Words of an observation: [1..5] the block, then what Java fills in: places a row, and where values and
// indices lie.
enum { PLACES = 6, VALUES, INDICES };

cox_features featuresOf(const Lane& lane, const cox_block& block, const Arguments& found, int64_t i) {
  int64_t places = found.result(PLACES);
  cox_features features{};
  features.size = sizeof features;
  features.layer = block.layer;
  features.row_number = static_cast<size_t>(passRow(block, i));
  features.row = &lane.rows[features.row_number];
  features.values = reinterpret_cast<const float*>(found.result(VALUES)) + i * places;
  features.indices = reinterpret_cast<const int32_t*>(found.result(INDICES)) + i * places;
  const int32_t* end = std::find(features.indices, features.indices + places, -1);
  features.n = static_cast<int32_t>(end - features.indices);
  return features;
}

// Marks the lane as busy while the host's callback runs, however that ends.
class Calling {
 public:
  explicit Calling(Lane& lane) : lane_(lane) { lane_.calling = true; }
  ~Calling() { lane_.calling = false; }
  Calling(const Calling&) = delete;
  Calling& operator=(const Calling&) = delete;

 private:
  Lane& lane_;
};

void observe(Lane& lane, const cox_block& block, int moment) {
  for (const auto& observer : lane.observers) {
    if (observer->layer != block.layer || observer->moment != moment || block.rows == 0) continue;
    Arguments arguments;
    arguments.address(block.data).word(block.row_stride).word(block.rows).word(block.width).word(block.dtype);
    arguments.word(0).word(0).word(0);
    lane.bridge.run(lane.bridge.observe, *observer->java, arguments);
    Calling calling(lane);
    for (int64_t i = 0; i < block.rows; ++i) {
      cox_features features = featuresOf(lane, block, arguments, i);
      if ((features.row->flags & COX_ROW_PAD) == 0) observer->callback(observer->user, &features);
    }
  }
}

void readAndSteer(Lane& lane, const cox_block& block) {
  if (lane.harvest && lane.harvest->layer == block.layer) stage(lane, block);
  observe(lane, block, COX_BEFORE_PLANS);
  if (lane.steered.has(block.layer)) steer(lane, block);
  observe(lane, block, COX_AFTER_PLANS);
}

// As readAndSteer, but if that fails the rows are as they came. In CUDA memory they are: what fails is that
// work is handed to the device, and nothing was handed over then.
void readAndSteerOrRestore(Lane& lane, const cox_block& block) {
  if (block.space == COX_CUDA) return readAndSteer(lane, block);
  copyRows(block, lane.original, false);
  try {
    readAndSteer(lane, block);
  } catch (...) {
    copyRows(block, lane.original, true);
    throw;
  }
}

}  // namespace

cox_block checkedBlock(const Lane& lane, const cox_block* given) {
  cox_block block = incoming(given, "cox_block");
  requireFormat(block);
  requireSpace(lane, block);
  if (block.row_stride == 0) block.row_stride = block.width * static_cast<int64_t>(elementBytes(block.dtype));
  requireExtent(block);
  requireRows(lane, block);
  return block;
}

void runLayer(Lane& lane, const cox_block& block) {
  Clock::time_point start = Clock::now();
  if (lane.engine->policy == COX_FAIL_OPEN && lane.steered.has(block.layer)) {
    readAndSteerOrRestore(lane, block);
  } else {
    readAndSteer(lane, block);
  }
  int64_t ns = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
  lane.words[LAST_NS] = ns;
  lane.counts.ns_total += static_cast<uint64_t>(ns);
  lane.counts.ns_max = std::max(lane.counts.ns_max, static_cast<uint64_t>(ns));
  lane.counts.rows += static_cast<uint64_t>(block.rows);
  ++lane.counts.calls;
}

}  // namespace coxswain::host
