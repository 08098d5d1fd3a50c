// The bits of all logits of a batch of sequences, so that a test can say "the same".
//
// Request: "layer", "sequences": [{"text", "run"?: NUMBER of runs}], "runs": [{"sae", "plan", "base"}],
// "hook": "none" (no callback acts), "watch" (the layer's rows are looked at) or "engine" (default: the
// lane steers), "control": {"layer", "values"} (llama.cpp's own control vector at that layer).
// Result: {"sequences": [{"hash", "tokens", "first": [the last row's first logits, or "all"]}],
// "steeredRows", "watchedRows"}.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "failure.h"
#include "operations.h"
#include "prompt.h"

namespace coxllama {
namespace {

// Looks at a layer's rows and leaves them.
class Watcher : public Tap {
 public:
  explicit Watcher(int layer) : layer_(layer) {}

  bool wants(int layer) override { return layer == layer_; }
  void begin(const cox_row*, int64_t) override {}
  void layer(const Block& block) override { rows_ += block.rows; }
  void end(bool) override {}

  int64_t rows() const { return rows_; }

 private:
  int layer_;
  int64_t rows_ = 0;
};

// FNV-1a over the bits of floats.
class BitHash {
 public:
  void add(const float* values, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
      uint32_t bits;
      std::memcpy(&bits, values + i, sizeof bits);
      hash_ = (hash_ ^ bits) * 0x100000001b3ull;
    }
  }

  std::string hex() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash_));
    return text;
  }

 private:
  uint64_t hash_ = 0xcbf29ce484222325ull;
};

// A vector added to the residual stream after one block, by llama.cpp itself.
void setControlVector(Session& session, const Request& control) {
  int width = session.model().width();
  int layer = static_cast<int>(control.integer("layer"));
  const Json& values = control.array("values");
  if (layer < 1 || layer >= session.model().layers() || values.size() != static_cast<size_t>(width)) {
    throw Failure(Fault::kUsage,
                  "a control vector needs a layer from 1 and one value for each of the model's " +
                      std::to_string(width) + " dimensions");
  }
  // llama.cpp's buffer begins at layer 1.
  std::vector<float> buffer(static_cast<size_t>(width) * layer);
  for (int i = 0; i < width; i++) {
    buffer[static_cast<size_t>(width) * (layer - 1) + i] = values[i].get<float>();
  }
  if (llama_set_adapter_cvec(session.raw(), buffer.data(), buffer.size(), width, layer, layer) != 0) {
    throw Failure(Fault::kDevice, "llama.cpp refuses the control vector");
  }
}

Batch batchOf(const Model& model, const Request& request, const std::vector<PlanHandle>& plans) {
  Batch batch;
  int number = 0;
  for (const Json& entry : request.array("sequences")) {
    Request sequence = request.with(entry);
    int64_t run = sequence.integer("run", -1);
    if (run >= static_cast<int64_t>(plans.size())) {
      throw Failure(Fault::kUsage, "run " + std::to_string(run) + " is not one of the runs");
    }
    int position = 0;
    for (const TaggedToken& tagged : rawPrompt(model, sequence.text("text"))) {
      cox_row row = {};
      row.request = number;
      row.plan = run < 0 ? nullptr : plans[run].get();
      row.position = position++;
      row.token = tagged.token;
      row.flags = tagged.flags;
      batch.add(row, number, true);
    }
    number++;
  }
  return batch;
}

Json hashes(Session& session, const Batch& batch, int shown) {
  int vocabulary = session.model().vocabularySize();
  Json result = Json::array();
  for (size_t i = 0; i < batch.size();) {
    BitHash hash;
    int number = batch.sequences[i];
    size_t begin = i;
    for (; i < batch.size() && batch.sequences[i] == number; i++) {
      hash.add(session.logits(static_cast<int>(i)), vocabulary);
    }
    const float* last = session.logits(static_cast<int>(i - 1));
    result.push_back({{"hash", hash.hex()},
                      {"tokens", i - begin},
                      {"first", std::vector<float>(last, last + std::min(shown, vocabulary))}});
  }
  return result;
}

}  // namespace

Json logits(Workbench& bench, const Request& request) {
  const Model& model = bench.model();
  int layer = static_cast<int>(request.integer("layer"));
  model.requireInnerLayer(layer);
  std::vector<PlanHandle> plans;
  for (const Json& run : request.has("runs") ? request.array("runs") : Json::array()) {
    plans.push_back(bench.plan(run, layer));
  }
  Batch batch = batchOf(model, request, plans);
  int rows = static_cast<int>(batch.size());
  int sequences = static_cast<int>(request.array("sequences").size());
  if (rows == 0) {
    throw Failure(Fault::kUsage, "there is no sequence to evaluate");
  }
  auto session = bench.session({rows, sequences, rows, rows, model.threads()});
  if (request.has("control")) {
    setControlVector(*session, request.part("control"));
  }
  std::string hook = request.text("hook", "engine");
  Watcher watcher(layer);
  std::optional<LaneTap> lane;
  if (hook == "watch") {
    session->hook().tap(&watcher);
    session->hook().require(layer);
  } else if (hook == "engine") {
    session->hook().tap(&lane.emplace(bench.lane()));
    session->hook().require(layer);
  } else if (hook != "none") {
    throw Failure(Fault::kUsage, "unknown hook '" + hook + "': use none, watch or engine");
  }
  constexpr int kShown = 4;
  int shown = request.flag("all", false) ? model.vocabularySize() : kShown;
  uint64_t before = lane ? statistics(bench.lane()).steered : 0;
  session->decode(batch);
  uint64_t steered = lane ? statistics(bench.lane()).steered - before : 0;
  return {{"sequences", hashes(*session, batch, shown)},
          {"steeredRows", steered},
          {"watchedRows", watcher.rows()}};
}

}  // namespace coxllama
