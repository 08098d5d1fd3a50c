#include "cpu/screen.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <vector>

#include "cpu/aligned.h"
#include "cpu/order.h"
#include "cpu/select.h"

namespace coxswain::cpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/** The τ of a row that takes no candidates: no score compares with it. */
constexpr float kOff = std::numeric_limits<float>::quiet_NaN();

bool isOff(const ScreenRow& row) { return row.least != row.least; }

/** Packed rows that a thread keeps in its L2 cache while the weights pass by. */
constexpr int64_t kResidentBytes = 512 * 1024;

/** Converted weights that all threads share at a time; they stay in the L3 cache. */
constexpr int64_t kChunkBytes = 8 * 1024 * 1024;

int64_t roundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/**
 * One call's state; the steps run in the order of run(). Where there are fewer panels of rows than keep all
 * threads busy, the features are cut into segments, each with candidates of its own, which finishRow() brings
 * together.
 */
class Screen {
 public:
  Screen(Device& device, const ScreenKernels& kernels, const ScanCall& call);
  int64_t run(const ScanSink& sink);

 private:
  void packPanels();
  void openRows(int64_t panel, int64_t rows, const ScreenNorms* norms);
  void prepareChunk(int64_t from, int64_t to);
  void prepareFeature(int64_t f, int64_t place);
  void screenChunk(int64_t from, int64_t to);
  void screenTile(int64_t segment, int64_t panel, int64_t from, int64_t place, int64_t features);
  const void* tileWeights(int64_t from, int64_t place, int64_t features) const;
  void makeRoom(ScreenRow& row);
  void tightenPanel(ScreenRow* rows, float* least);
  bool finishRow(int64_t row, Selector& selector, std::vector<float>& z, const ScanSink& sink);
  void gatherSegments(int64_t row);
  void prefetchWeights(int64_t f) const;
  void scoreSurvivors(const ScreenRow& candidates, int64_t row, Selector& selector);

  const ScanCall& call_;
  Device& device_;
  const ScreenKernels& kernels_;
  const EncodeKernels& exact_;
  int64_t panels_;
  int64_t places_;  // panels · lanes: rows with the last panel's idle lanes
  int64_t panelBytes_;
  int64_t rowBytes_;  // one feature's screen elements
  int64_t chunk_;     // features prepared at a time
  int64_t segments_;
  bool inPlace_;      // weights are read where they are
  int64_t first_;     // candidates of a row before τ is first raised
  int64_t most_;      // candidates of a row in one segment; with more the row is scored in full
  int64_t capacity_;  // most_ and room for a tile
  AlignedBuffer packed_;
  AlignedBuffer weights_;
  AlignedBuffer candidates_;                       // [segments, places, 3, capacity]
  std::vector<float> xBound_, xNorm_;              // [places]
  std::vector<float> wNorm_, wError_, b_, theta_;  // [chunk]
  std::vector<float> least_;                       // [segments, places]: the rows' τ for the tiles
  std::vector<ScreenRow> rows_;                    // [segments, places]
  std::atomic<bool> unbounded_{false};             // a feature's norm is beyond the bound's reach
};

int64_t chunkFeatures(const ScreenKernels& kernels, const ScanCall& call) {
  int64_t bytes = kernels.elementBytes * roundUp(call.weights.d, kernels.group);
  int64_t fitting = std::max<int64_t>(kChunkBytes / bytes, 8 * kernels.tileFeatures);
  return roundUp(std::min(fitting, call.features), kernels.tileFeatures);
}

bool isTopK(const ScanCall& call) { return call.limit < call.features; }

/** Often enough for τ to keep up, seldom enough to cost little. */
int64_t candidatesBeforeTightening(const ScanCall& call) { return 2 * call.limit + 32; }

/** Beyond, the bound is of no use for the row: scoring the candidates would cost as much as scoring all. */
int64_t mostCandidates(const ScanCall& call) {
  constexpr int64_t kMost = 16384;
  if (!isTopK(call)) return std::min(call.features / 8, kMost) + 64;
  return std::max(std::min(16 * call.limit + 512, call.features / 4), candidatesBeforeTightening(call));
}

Screen::Screen(Device& device, const ScreenKernels& kernels, const ScanCall& call)
    : call_(call),
      device_(device),
      kernels_(kernels),
      exact_(encodeKernels(device.isa)),
      panels_((call.rows + kernels.lanes - 1) / kernels.lanes),
      places_(panels_ * kernels.lanes),
      panelBytes_(roundUp(call.weights.d, kernels.group) * kernels.lanes * kernels.elementBytes),
      rowBytes_(roundUp(call.weights.d, kernels.group) * kernels.elementBytes),
      chunk_(chunkFeatures(kernels, call)),
      segments_(panels_ < 2 * device.pool.threads() ? device.pool.threads() : 1),
      inPlace_(!kernels.convertsWeights && call.weights.subset == nullptr),
      first_(isTopK(call) ? candidatesBeforeTightening(call) : mostCandidates(call)),
      most_(mostCandidates(call)),
      capacity_(roundUp(most_ + kernels.tileFeatures, 16)),
      packed_(panels_ * panelBytes_),
      weights_((inPlace_ ? kernels.tileFeatures : chunk_) * rowBytes_),
      candidates_(segments_ * places_ * 3 * capacity_ * sizeof(float)),
      xBound_(places_),
      xNorm_(places_),
      wNorm_(chunk_),
      wError_(chunk_),
      b_(chunk_),
      theta_(chunk_),
      least_(segments_ * places_),
      rows_(segments_ * places_) {}

int64_t Screen::run(const ScanSink& sink) {
  packPanels();
  for (int64_t from = 0; from < call_.features; from += chunk_) {
    int64_t to = std::min(from + chunk_, call_.features);
    prepareChunk(from, to);
    if (unbounded_) break;
    screenChunk(from, to);
  }
  constexpr int64_t kShare = 16;
  std::atomic<int64_t> fullScans{0};
  device_.pool.run((call_.rows + kShare - 1) / kShare, [&](int64_t task) {
    Selector selector(exact_, call_.limit);
    std::vector<float> z;
    for (int64_t row = task * kShare; row < std::min(call_.rows, (task + 1) * kShare); ++row) {
      if (!finishRow(row, selector, z, sink)) ++fullScans;
    }
  });
  return fullScans;
}

void Screen::packPanels() {
  device_.pool.run(panels_, [&](int64_t panel) {
    int64_t first = panel * kernels_.lanes;
    int64_t rows = std::min<int64_t>(kernels_.lanes, call_.rows - first);
    std::vector<ScreenNorms> norms(kernels_.lanes);
    kernels_.pack(call_.x + first * call_.xStride, call_.xStride, rows, call_.weights.d,
                  packed_.as<char>(panel * panelBytes_), norms.data());
    openRows(panel, rows, norms.data());
  });
}

/** Rows that are not ready or beyond the bound, and idle lanes, are off. */
void Screen::openRows(int64_t panel, int64_t rows, const ScreenNorms* norms) {
  const double k = screenBoundFactor(call_.weights.d);
  for (int64_t lane = 0; lane < kernels_.lanes; ++lane) {
    int64_t place = panel * kernels_.lanes + lane;
    bool open = lane < rows && norms[lane].norm <= kLargestNorm &&
                (call_.states == nullptr || call_.states[place] == RowState::kReady);
    if (open) {
      xBound_[place] = static_cast<float>(norms[lane].error + k * norms[lane].norm) * (1.0f + 0x1p-20f);
      xNorm_[place] = norms[lane].norm + norms[lane].error;
    }
    for (int64_t segment = 0; segment < segments_; ++segment) {
      int64_t at = segment * places_ + place;
      float* upper = candidates_.as<float>() + at * 3 * capacity_;
      least_[at] = open ? -kInfinity : kOff;
      rows_[at] = {upper,
                   upper + capacity_,
                   reinterpret_cast<int32_t*>(upper + 2 * capacity_),
                   0,
                   static_cast<int32_t>(first_),
                   least_[at]};
    }
  }
}

void Screen::prepareFeature(int64_t f, int64_t place) {
  int64_t feature = call_.weights.feature(f);
  const float* w = call_.weights.w + feature * call_.weights.d;
  char* out = inPlace_ ? nullptr : weights_.as<char>(place * rowBytes_);
  ScreenNorms norms = kernels_.convert(w, call_.weights.d, out);
  if (!inPlace_ && !kernels_.convertsWeights) {
    std::copy_n(w, call_.weights.d, weights_.as<float>(place * rowBytes_));
  }
  if (!(norms.norm <= kLargestNorm)) unbounded_ = true;
  wNorm_[place] = norms.norm;
  wError_[place] = norms.error;
  b_[place] = call_.weights.b[feature];
  theta_[place] = call_.threshold == nullptr ? 0.0f : std::max(call_.threshold[feature], 0.0f);
}

void Screen::prepareChunk(int64_t from, int64_t to) {
  constexpr int64_t kShare = 64;
  int64_t features = to - from;
  device_.pool.run((features + kShare - 1) / kShare, [&](int64_t task) {
    for (int64_t place = task * kShare; place < std::min(features, (task + 1) * kShare); ++place) {
      prepareFeature(from + place, place);
    }
  });
  int64_t tail = features % kernels_.tileFeatures;
  if (inPlace_ && tail != 0) {
    // The last tile reads tileFeatures rows; those of the matrix end before.
    const float* w = call_.weights.w + (to - tail) * call_.weights.d;
    std::copy_n(w, tail * call_.weights.d, weights_.as<float>());
  }
}

void Screen::screenChunk(int64_t from, int64_t to) {
  int64_t resident = std::max<int64_t>(1, kResidentBytes / panelBytes_);
  int64_t perRound = resident * device_.pool.threads();
  int64_t groups = std::min((panels_ + perRound - 1) / perRound * device_.pool.threads(), panels_);
  int64_t tiles = (to - from + kernels_.tileFeatures - 1) / kernels_.tileFeatures;
  device_.pool.run(groups * segments_, [&](int64_t task) {
    int64_t group = task / segments_;
    int64_t segment = task % segments_;
    for (int64_t t = segment * tiles / segments_; t < (segment + 1) * tiles / segments_; ++t) {
      int64_t place = t * kernels_.tileFeatures;
      int64_t features = std::min<int64_t>(kernels_.tileFeatures, to - from - place);
      for (int64_t panel = group * panels_ / groups; panel < (group + 1) * panels_ / groups; ++panel) {
        screenTile(segment, panel, from, place, features);
      }
    }
  });
}

const void* Screen::tileWeights(int64_t from, int64_t place, int64_t features) const {
  if (!inPlace_) return weights_.as<char>(place * rowBytes_);
  if (features < kernels_.tileFeatures) return weights_.as<char>();
  return call_.weights.w + (from + place) * call_.weights.d;
}

void Screen::screenTile(int64_t segment, int64_t panel, int64_t from, int64_t place, int64_t features) {
  int64_t lane = panel * kernels_.lanes;
  int64_t at = segment * places_ + lane;
  ScreenTile tile{tileWeights(from, place, features),
                  rowBytes_,
                  call_.weights.d,
                  static_cast<int32_t>(from + place),
                  static_cast<int32_t>(features),
                  &b_[place],
                  &wNorm_[place],
                  &wError_[place],
                  &theta_[place],
                  packed_.as<char>(panel * panelBytes_),
                  &xBound_[lane],
                  &xNorm_[lane],
                  &least_[at],
                  &rows_[at]};
  if (kernels_.tile(tile)) tightenPanel(&rows_[at], &least_[at]);
}

/** Raises a full row's τ. A row whose bounds tell too few apart gets more room, in the end it is switched
 * off. */
void Screen::makeRoom(ScreenRow& row) {
  kernels_.tighten(row, call_.limit);
  if (4 * row.count > 3 * row.full) row.full = static_cast<int32_t>(std::min<int64_t>(2 * row.full, most_));
  if (row.count >= row.full) {
    row.least = kOff;
    row.count = 0;
  }
}

/** Makes room in full rows. One whose bounds cannot be told apart is switched off and later scored in full.
 */
void Screen::tightenPanel(ScreenRow* rows, float* least) {
  for (int lane = 0; lane < kernels_.lanes; ++lane) {
    ScreenRow& row = rows[lane];
    if (row.count < row.full) continue;
    makeRoom(row);
    least[lane] = row.least;
  }
}

/** Brings a row's candidates of all segments into the first, as far as they fit. */
void Screen::gatherSegments(int64_t row) {
  ScreenRow& all = rows_[row];
  for (int64_t segment = 1; segment < segments_; ++segment) {
    ScreenRow& part = rows_[segment * places_ + row];
    if (isOff(part)) all.least = kOff;
    if (isOff(all)) return;
    all.least = std::max(all.least, part.least);
    for (int32_t i = 0; i < part.count; ++i) {
      if (all.count >= all.full) makeRoom(all);
      if (isOff(all)) return;
      if (part.upper[i] < all.least) continue;
      all.upper[all.count] = part.upper[i];
      all.lower[all.count] = part.lower[i];
      all.feature[all.count++] = part.feature[i];
    }
  }
  if (!isOff(all)) kernels_.tighten(all, call_.limit);
}

bool Screen::finishRow(int64_t row, Selector& selector, std::vector<float>& z, const ScanSink& sink) {
  selector.clear();
  bool ready = call_.states == nullptr || call_.states[row] == RowState::kReady;
  if (ready) gatherSegments(row);
  bool full = ready && (unbounded_ || isOff(rows_[row]));
  if (full) {
    z.resize(call_.features);
    exact_.score(call_.weights, 0, call_.features, call_.x + row * call_.xStride, 1, call_.xStride, z.data(),
                 call_.features);
    selector.offer(z.data(), call_.threshold, 0, call_.features);
  } else if (ready) {
    scoreSurvivors(rows_[row], row, selector);
  }
  sinkRow(call_, row, selector, sink);
  return !full;
}

/** Survivors lie anywhere in the weights: asks for the next one's while this one is scored. */
void Screen::prefetchWeights(int64_t f) const {
  constexpr int64_t kFloatsALine = 16;
  constexpr int64_t kMostLines = 64;  // beyond, the hardware has seen the stream
  const float* w = call_.weights.w + call_.weights.feature(f) * call_.weights.d;
  int64_t floats = std::min(call_.weights.d, kMostLines * kFloatsALine);
  for (int64_t e = 0; e < floats; e += kFloatsALine) __builtin_prefetch(w + e);
}

void Screen::scoreSurvivors(const ScreenRow& candidates, int64_t row, Selector& selector) {
  const float* x = call_.x + row * call_.xStride;
  for (int32_t i = 0; i < candidates.count; ++i) {
    int32_t feature = candidates.feature[i];
    if (i + 1 < candidates.count) prefetchWeights(candidates.feature[i + 1]);
    float z;
    exact_.score(call_.weights, feature, feature + 1, x, 1, call_.xStride, &z, 1);
    float theta = call_.threshold == nullptr ? 0.0f : call_.threshold[feature];
    if (z > 0.0f && z > theta) selector.offerKey(orderKey(z, static_cast<uint32_t>(feature)));
  }
}

}  // namespace

#ifdef COX_PORTABLE_ONLY
ScreenKind bestScreen(Isa) { return ScreenKind::kFloat32; }
const ScreenKernels& screenKernels(Isa, ScreenKind) { return kScreenPortable; }
#else
ScreenKind bestScreen(Isa isa) {
  return isa == Isa::kAvx512 && __builtin_cpu_supports("avx512bf16") ? ScreenKind::kBfloat16
                                                                     : ScreenKind::kFloat32;
}

const ScreenKernels& screenKernels(Isa isa, ScreenKind kind) {
  if (isa == Isa::kAvx512) return kind == ScreenKind::kBfloat16 ? kScreenAvx512Bf16 : kScreenAvx512;
  return isa == Isa::kAvx2 ? kScreenAvx2 : kScreenPortable;
}
#endif

double screenBoundFactor(int64_t d) {
  double width = static_cast<double>(d);
  double roundings = (2 * width + width / 256 + 9 + 16) * 0x1p-24;
  return 1.01 * roundings / (1 - roundings);
}

bool screenFits(const ScanCall& call) {
  constexpr int64_t kFewestRows = 6;    // below, reading the weights costs more than the scores
  constexpr int64_t kWidest = 1 << 17;  // the norms' rounding up covers this many terms
  bool selective = call.limit == call.features || 8 * call.limit <= call.features;
  return call.rows >= kFewestRows && call.features >= 256 && call.weights.d <= kWidest && selective;
}

int64_t screenFeatures(Device& device, const ScreenKernels& kernels, const ScanCall& call,
                       const ScanSink& sink) {
  return Screen(device, kernels, call).run(sink);
}

}  // namespace coxswain::cpu
