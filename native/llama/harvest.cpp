// Hidden states after a block, of every token of a set of documents.
#include <algorithm>
#include <chrono>
#include <mutex>

#include "documents.h"
#include "failure.h"
#include "operations.h"
#include "workers.h"

namespace coxllama {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Short contexts share a decode, each as a sequence of its own: at most this many.
constexpr int kSequences = 32;

// Cuts documents into contexts and fills batches with them. Batches are numbered in the order of the
// text. Any thread.
class BatchSource {
 public:
  BatchSource(const Request& request, const Model& model, Documents& documents, int context, int rows,
              int64_t maxRows)
      : request_(request),
        model_(model),
        documents_(documents),
        context_(context),
        rows_(rows),
        left_(maxRows) {
    total_ = maxRows;
  }

  // The next batch and its number; false once the text or maxRows are used up.
  bool next(Batch& batch, size_t& number) {
    std::lock_guard<std::mutex> lock(mutex_);
    batch.clear();
    int sequence = 0;
    while (left_ > 0 && sequence < kSequences && haveTokens()) {
      size_t n = std::min(contextLength(), static_cast<size_t>(left_));
      if (batch.size() + n > static_cast<size_t>(rows_)) {
        break;
      }
      addContext(batch, sequence++, n);
      left_ -= n;
    }
    number = batches_++;
    return batch.size() > 0;
  }

  // Rows of a batch are in the harvest now.
  void done(size_t rows) {
    std::lock_guard<std::mutex> lock(mutex_);
    harvested_ += rows;
    if (since(reported_) < 0.5) {
      return;
    }
    reported_ = Clock::now();
    double share = documents_.progress();
    if (total_ != INT64_MAX) {
      share = std::max(share, static_cast<double>(harvested_) / total_);
    }
    request_.event("progress", {{"rows", harvested_},
                                {"documents", begun_},
                                {"share", share},
                                {"tokensPerSecond", harvested_ / since(start_)}});
  }

  int64_t rows() const { return harvested_; }
  int64_t documents() const { return begun_; }
  double seconds() const { return since(start_); }

 private:
  bool bos() const { return model_.beginsWithBos(); }

  bool haveTokens() {
    while (at_ == tokens_.size()) {
      std::optional<std::string> text = documents_.next();
      if (!text) {
        return false;
      }
      tokens_ = model_.tokenize(*text, false, false);
      at_ = 0;
      begun_++;
    }
    return true;
  }

  // Rows of the context that begins at the next token, BOS included.
  size_t contextLength() const {
    size_t extra = bos() ? 1 : 0;
    return std::min(static_cast<size_t>(context_), tokens_.size() - at_ + extra);
  }

  void addContext(Batch& batch, int sequence, size_t n) {
    for (size_t i = 0; i < n; i++) {
      cox_row row = {};
      row.request = begun_ - 1;
      row.position = static_cast<int32_t>(i);
      row.token = i == 0 && bos() ? llama_vocab_bos(model_.vocab()) : tokens_[at_++];
      row.flags =
          COX_ROW_PROMPT | COX_ROW_USER | (i == 0 ? COX_ROW_BOS : 0) | (i + 1 == n ? COX_ROW_LAST : 0);
      batch.add(row, sequence, false);
    }
  }

  std::mutex mutex_;
  const Request& request_;
  const Model& model_;
  Documents& documents_;
  int context_;
  int rows_;
  int64_t left_;
  int64_t total_ = 0;
  std::vector<llama_token> tokens_;  // of the document begun last
  size_t at_ = 0;
  int64_t begun_ = 0;
  int64_t harvested_ = 0;
  size_t batches_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point reported_ = Clock::now();
};

// Ends passes in the order of their batches, so that a harvest is in the order of the text whoever
// evaluated what.
class OrderedTap : public Tap {
 public:
  OrderedTap(cox_lane* lane, Turnstile& turnstile) : tap_(lane), turnstile_(turnstile) {}

  void number(size_t number) { number_ = number; }
  bool wants(int layer) override { return tap_.wants(layer); }
  void begin(const cox_row* rows, int64_t n) override { tap_.begin(rows, n); }
  void layer(const Block& block) override { tap_.layer(block); }
  void end(bool aborted) override {
    turnstile_.wait(number_);
    tap_.end(aborted);
    turnstile_.pass();
  }

 private:
  LaneTap tap_;
  Turnstile& turnstile_;
  size_t number_ = 0;
};

void harvestBatches(Worker& worker, int layer, cox_harvest* harvest, BatchSource& source,
                    Turnstile& turnstile) {
  check(cox_lane_harvest(worker.lane(), harvest));
  OrderedTap tap(worker.lane(), turnstile);
  Hook& hook = worker.session().hook();
  hook.tap(&tap);
  hook.stopAfter(layer);
  hook.require(layer);
  Batch batch;
  size_t number = 0;
  while (source.next(batch, number)) {
    tap.number(number);
    worker.session().decode(batch);
    worker.session().clear();
    source.done(batch.size());
  }
}

HarvestHandle openHarvest(Workbench& bench, const Request& request, int layer) {
  const Model& model = bench.model();
  std::vector<std::string> pieces(model.vocabularySize());
  std::vector<const char*> texts(pieces.size());
  std::vector<size_t> lengths(pieces.size());
  for (size_t id = 0; id < pieces.size(); id++) {
    pieces[id] = model.piece(static_cast<llama_token>(id), true);
    texts[id] = pieces[id].data();
    lengths[id] = pieces[id].size();
  }
  std::string out = request.text("out");
  std::string name = request.text("name");
  std::string sha256 = request.text("sha256");
  cox_harvest_options options = {};
  options.size = sizeof options;
  options.dir = out.c_str();
  options.model = name.c_str();
  options.model_sha256 = sha256.c_str();
  options.layer = layer;
  options.width = model.width();
  options.dtype = COX_F32;
  options.pieces = texts.data();
  options.piece_bytes = lengths.data();
  options.n_pieces = pieces.size();
  cox_harvest* harvest = nullptr;
  check(cox_harvest_open(bench.engine(), &options, &harvest));
  return HarvestHandle(harvest);
}

}  // namespace

Json harvest(Workbench& bench, const Request& request) {
  int layer = static_cast<int>(request.integer("layer"));
  bench.model().requireInnerLayer(layer);
  int64_t maxRows = request.integer("maxTokens", INT64_MAX);
  int context = static_cast<int>(request.integer("context", 512));
  if (maxRows < 1 || context < 2 || context > bench.model().trainedContext()) {
    throw Failure(Fault::kUsage, "maxTokens must be at least 1, and context 2 to " +
                                     std::to_string(bench.model().trainedContext()));
  }
  Documents documents(request.texts("texts"));
  int rows = std::max(context, 512);
  HarvestHandle harvest = openHarvest(bench, request, layer);
  BatchSource source(request, bench.model(), documents, context, rows, maxRows);
  Turnstile turnstile;
  SessionShape shape = {context, kSequences, rows, rows};
  runWorkers(bench, bench.model().threads(), shape, [&](Worker& worker) {
    try {
      harvestBatches(worker, layer, harvest.get(), source, turnstile);
    } catch (...) {
      turnstile.fail();
      throw;
    }
  });
  if (source.rows() == 0) {
    throw Failure(Fault::kData, "the texts hold no token: nothing to harvest");
  }
  double seconds = source.seconds();
  check(cox_harvest_finish(harvest.release()));
  return {{"rows", source.rows()},
          {"documents", source.documents()},
          {"seconds", seconds},
          {"tokensPerSecond", source.rows() / seconds}};
}

}  // namespace coxllama
