// What a plan does to the model's predictions, teacher-forced: the damage as KL(plain || steered) a
// token and as negative log-likelihood of the text, the effect as the change of chosen words'
// log-probability.
//
// Request: "layer", "items": [{"text"} | {"prompt", "reply", "system"?}], "runs": [{"sae", "plan",
// "base"}], "words": [WORD] (" WORD"'s first token stands for it), "context".
// A text is measured at every token but the first, a reply at those that predict its tokens.
// Events: "progress" {"done", "of"}: items.
// Result: {"tokens", "nllPlain", "words": [{"word", "token"}], "runs": [{"kl", "nll", "wordShift":
// [mean change in nats a word], "steeredRows"}]}.
#include <chrono>
#include <cmath>

#include "distribution.h"
#include "failure.h"
#include "operations.h"
#include "sequence.h"

namespace coxllama {
namespace {

// Logits of one decode are kept: rows so that they stay below this.
constexpr int64_t kLogitBytes = 32 << 20;

struct Passage {
  std::vector<TaggedToken> tokens;
  size_t first;  // the first row measured: it predicts the token after it
};

struct Sums {
  double kl = 0;
  double nll = 0;
  std::vector<double> wordLogProbability;
  uint64_t steeredRows = 0;
};

Passage textPassage(const Model& model, const std::string& text) {
  // Row 0 is left alone by plans and predicts from nothing.
  return {rawPrompt(model, text), 1};
}

Passage replyPassage(const Model& model, const Request& item) {
  bool chat = model.chatTemplate().has_value();
  std::string prompt = item.text("prompt");
  Passage passage = {chat ? chatPrompt(model, item.text("system", ""), prompt) : rawPrompt(model, prompt), 0};
  passage.first = passage.tokens.size() - 1;
  for (llama_token token : model.tokenize(item.text("reply"), false, false)) {
    passage.tokens.push_back({token, COX_ROW_REPLY | COX_ROW_GENERATED});
  }
  return passage;
}

Passage passageOf(const Model& model, const Request& item, int context) {
  Passage passage = item.has("text") ? textPassage(model, item.text("text")) : replyPassage(model, item);
  if (passage.tokens.size() > static_cast<size_t>(context)) {
    throw Failure(Fault::kUsage, "a text to measure has " + std::to_string(passage.tokens.size()) +
                                     " tokens, the context is " + std::to_string(context));
  }
  return passage;
}

// The model's logits along passages, for the plain model and each plan.
class Measurement {
 public:
  Measurement(Workbench& bench, Session& session, const std::vector<PlanHandle>& plans, int layer,
              std::vector<llama_token> words)
      : bench_(bench),
        session_(session),
        plans_(plans),
        layer_(layer),
        words_(std::move(words)),
        vocabulary_(session.model().vocabularySize()),
        sums_(plans.size() + 1) {
    for (Sums& sums : sums_) {
      sums.wordLogProbability.resize(words_.size());
    }
  }

  void add(const Passage& passage) {
    if (passage.tokens.size() < passage.first + 2) {
      return;  // nothing is predicted
    }
    plain_.resize((passage.tokens.size() - passage.first) * static_cast<size_t>(vocabulary_));
    statistics_.resize(passage.tokens.size() - passage.first);
    pass(passage, nullptr, sums_[0]);
    for (size_t p = 0; p < plans_.size(); p++) {
      uint64_t before = statistics(bench_.lane()).steered;
      pass(passage, plans_[p].get(), sums_[p + 1]);
      sums_[p + 1].steeredRows += statistics(bench_.lane()).steered - before;
    }
    measured_ += passage.tokens.size() - 1 - passage.first;
  }

  int64_t measured() const { return measured_; }

  Json result() const {
    double n = static_cast<double>(measured_);
    Json runs = Json::array();
    for (size_t p = 1; p < sums_.size(); p++) {
      Json shift = Json::array();
      for (size_t w = 0; w < words_.size(); w++) {
        shift.push_back((sums_[p].wordLogProbability[w] - sums_[0].wordLogProbability[w]) / n);
      }
      runs.push_back({{"kl", sums_[p].kl / n},
                      {"nll", sums_[p].nll / n},
                      {"wordShift", shift},
                      {"steeredRows", sums_[p].steeredRows}});
    }
    return {{"tokens", measured_}, {"nllPlain", sums_[0].nll / n}, {"runs", runs}};
  }

 private:
  void pass(const Passage& passage, cox_plan* plan, Sums& sums) {
    bool isPlain = &sums == &sums_[0];
    Sequence sequence(session_, isPlain ? nullptr : bench_.lane(), plan, layer_);
    sequence.extend(passage.tokens, true, [&](size_t from, size_t n) {
      for (size_t i = std::max(from, passage.first); i < from + n && i + 1 < passage.tokens.size(); i++) {
        const float* logits = session_.logits(static_cast<int>(i - from));
        row(i - passage.first, logits, passage.tokens[i + 1].token, isPlain, sums);
      }
    });
  }

  void row(size_t i, const float* logits, llama_token next, bool isPlain, Sums& sums) {
    SoftmaxStatistics of = softmaxStatistics(logits, vocabulary_);
    float* plain = plain_.data() + i * vocabulary_;
    if (isPlain) {
      std::copy(logits, logits + vocabulary_, plain);
      statistics_[i] = of;
    } else {
      sums.kl += klDivergence(plain, statistics_[i], logits, of, vocabulary_);
    }
    sums.nll -= logProbability(logits, of, next);
    for (size_t w = 0; w < words_.size(); w++) {
      sums.wordLogProbability[w] += logProbability(logits, of, words_[w]);
    }
  }

  Workbench& bench_;
  Session& session_;
  const std::vector<PlanHandle>& plans_;
  int layer_;
  std::vector<llama_token> words_;
  int64_t vocabulary_;
  std::vector<Sums> sums_;  // plain, then a plan each
  std::vector<float> plain_;
  std::vector<SoftmaxStatistics> statistics_;
  int64_t measured_ = 0;
};

}  // namespace

Json measure(Workbench& bench, const Request& request) {
  const Model& model = bench.model();
  int layer = static_cast<int>(request.integer("layer", -1));
  int context = static_cast<int>(request.integer("context", std::min(model.trainedContext(), 512)));
  std::vector<PlanHandle> plans;
  for (const Json& run : request.array("runs")) {
    plans.push_back(bench.plan(run, layer));
    if (!plans.back()) {
      throw Failure(Fault::kUsage, "a run to measure has no plan");
    }
  }
  std::vector<llama_token> words;
  Json named = Json::array();
  for (const std::string& word : request.has("words") ? request.texts("words") : std::vector<std::string>()) {
    words.push_back(model.firstToken(word));
    named.push_back({{"word", word}, {"token", words.back()}});
  }
  std::vector<Passage> passages;
  for (const Json& item : request.array("items")) {
    passages.push_back(passageOf(model, request.with(item), context));
  }
  int batch = static_cast<int>(std::clamp<int64_t>(kLogitBytes / (4 * model.vocabularySize()), 16, context));
  auto session = bench.session({context, 1, std::min(batch, context), context});
  Measurement measurement(bench, *session, plans, layer, words);
  for (size_t i = 0; i < passages.size(); i++) {
    measurement.add(passages[i]);
    request.event("progress", {{"done", i + 1}, {"of", passages.size()}});
  }
  if (measurement.measured() == 0) {
    throw Failure(Fault::kData, "the texts to measure predict no token: each needs at least three");
  }
  Json result = measurement.result();
  result["words"] = named;
  return result;
}

}  // namespace coxllama
