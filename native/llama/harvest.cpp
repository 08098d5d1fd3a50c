// Hidden states after a block, of every token of a set of documents.
#include <algorithm>
#include <chrono>

#include "documents.h"
#include "failure.h"
#include "operations.h"

namespace coxllama {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Short contexts share a decode, each as a sequence of its own.
constexpr int kSequences = 32;

struct Progress {
  int64_t rows = 0;
  int64_t documents = 0;
};

// Cuts documents into contexts, fills batches with them and decodes those up to the layer.
class Harvester {
 public:
  Harvester(const Request& request, Session& session, int layer, int64_t maxRows)
      : request_(request), session_(session), maxRows_(maxRows) {
    session.hook().stopAfter(layer);
    session.hook().require(layer);
  }

  Progress run(Documents& documents) {
    while (progress_.rows + pending() < maxRows_) {
      std::optional<std::string> text = documents.next();
      if (!text) {
        break;
      }
      addDocument(*text);
      progress_.documents++;
      report(documents);
    }
    flush();
    return progress_;
  }

  double seconds() const { return since(start_); }

 private:
  int64_t pending() const { return static_cast<int64_t>(batch_.size()); }

  void addDocument(const std::string& text) {
    const Model& model = session_.model();
    std::vector<llama_token> tokens = model.tokenize(text, false, false);
    size_t room = session_.context() - (model.beginsWithBos() ? 1 : 0);
    for (size_t from = 0; from < tokens.size() && progress_.rows + pending() < maxRows_; from += room) {
      addContext(&tokens[from], std::min(room, tokens.size() - from));
    }
  }

  void addContext(const llama_token* tokens, size_t n) {
    bool bos = session_.model().beginsWithBos();
    size_t length = n + (bos ? 1 : 0);
    if (batch_.size() + length > static_cast<size_t>(session_.batch()) || sequence_ == kSequences) {
      flush();
    }
    length = std::min(length, static_cast<size_t>(maxRows_ - progress_.rows - pending()));
    for (size_t i = 0; i < length; i++) {
      llama_token token =
          bos ? (i == 0 ? llama_vocab_bos(session_.model().vocab()) : tokens[i - 1]) : tokens[i];
      cox_row row = {};
      row.request = progress_.documents;
      row.position = static_cast<int32_t>(i);
      row.token = token;
      row.flags =
          COX_ROW_PROMPT | COX_ROW_USER | (i == 0 ? COX_ROW_BOS : 0) | (i + 1 == length ? COX_ROW_LAST : 0);
      batch_.add(row, sequence_, false);
    }
    sequence_++;
  }

  void flush() {
    if (batch_.size() > 0) {
      session_.decode(batch_);
      session_.clear();
      progress_.rows += pending();
      batch_.clear();
      sequence_ = 0;
    }
  }

  void report(const Documents& documents) {
    if (since(reported_) < 0.5) {
      return;
    }
    reported_ = Clock::now();
    double share = documents.progress();
    if (maxRows_ != INT64_MAX) {
      share = std::max(share, static_cast<double>(progress_.rows) / maxRows_);
    }
    request_.event("progress", {{"rows", progress_.rows},
                                {"documents", progress_.documents},
                                {"share", share},
                                {"tokensPerSecond", progress_.rows / since(start_)}});
  }

  const Request& request_;
  Session& session_;
  int64_t maxRows_;
  Batch batch_;
  int sequence_ = 0;
  Progress progress_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point reported_ = Clock::now();
};

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

// Rows of the lane go to the harvest while this lives.
class Harvesting {
 public:
  Harvesting(cox_lane* lane, cox_harvest* harvest) : lane_(lane) { check(cox_lane_harvest(lane, harvest)); }
  ~Harvesting() { cox_lane_harvest(lane_, nullptr); }

 private:
  cox_lane* lane_;
};

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
  auto session = bench.session({context, kSequences, rows, rows});
  HarvestHandle harvest = openHarvest(bench, request, layer);
  LaneTap tap(bench.lane());
  Progress progress;
  double seconds = 0;
  {
    Harvesting while_(bench.lane(), harvest.get());
    session->hook().tap(&tap);
    Harvester harvester(request, *session, layer, maxRows);
    progress = harvester.run(documents);
    seconds = harvester.seconds();
  }
  if (progress.rows == 0) {
    throw Failure(Fault::kData, "the texts hold no token: nothing to harvest");
  }
  check(cox_harvest_finish(harvest.release()));
  return {{"rows", progress.rows},
          {"documents", progress.documents},
          {"seconds", seconds},
          {"tokensPerSecond", progress.rows / seconds}};
}

}  // namespace coxllama
