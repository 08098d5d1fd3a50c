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
#include <algorithm>
#include <memory>
#include <mutex>

#include "distribution.h"
#include "failure.h"
#include "operations.h"
#include "sequence.h"
#include "workers.h"

namespace coxllama {
namespace {

// Logits of one decode are kept: rows so that they stay below this.
constexpr int64_t kLogitBytes = 32 << 20;

struct Passage {
  std::vector<TaggedToken> tokens;
  size_t first;  // the first row measured: it predicts the token after it

  // Rows measured: each predicts a token of the passage.
  int64_t predicted() const {
    return tokens.size() < first + 2 ? 0 : static_cast<int64_t>(tokens.size() - 1 - first);
  }
};

struct Sums {
  double kl = 0;
  double nll = 0;
  std::vector<double> wordLogProbability;
  uint64_t steeredRows = 0;

  void add(const Sums& other) {
    kl += other.kl;
    nll += other.nll;
    steeredRows += other.steeredRows;
    wordLogProbability.resize(other.wordLogProbability.size());
    for (size_t w = 0; w < wordLogProbability.size(); w++) {
      wordLogProbability[w] += other.wordLogProbability[w];
    }
  }
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

// What is measured: the same for all workers.
struct Question {
  int layer;
  std::vector<PlanHandle> plans;
  std::vector<llama_token> words;
};

// The model's logits along passages, for the plain model and each plan, side by side: a stretch of the
// passage under the plain model, whose logits are kept, then under each plan. One thread.
class Measurement {
 public:
  Measurement(Worker& worker, const Question& question)
      : worker_(worker),
        question_(question),
        vocabulary_(worker.session().model().vocabularySize()),
        plain_(static_cast<size_t>(worker.session().batch()) * vocabulary_),
        statistics_(worker.session().batch()) {}

  // Sums for the plain model and then for each plan.
  std::vector<Sums> along(const Passage& passage) {
    std::vector<Sums> sums(question_.plans.size() + 1);
    for (Sums& sum : sums) {
      sum.wordLogProbability.resize(question_.words.size());
    }
    Session& session = worker_.session();
    Sequence plain(session, nullptr, nullptr, question_.layer, 0);
    std::vector<std::unique_ptr<Sequence>> steered;
    for (size_t p = 0; p < question_.plans.size(); p++) {
      steered.push_back(std::make_unique<Sequence>(session, worker_.lane(), question_.plans[p].get(),
                                                   question_.layer, static_cast<int>(p + 1)));
    }
    size_t most = session.batch();
    for (size_t from = 0; from < passage.tokens.size(); from += most) {
      size_t n = std::min(most, passage.tokens.size() - from);
      stretch(passage, from, n, plain, true, sums[0]);
      for (size_t p = 0; p < steered.size(); p++) {
        uint64_t before = statistics(worker_.lane()).steered;
        stretch(passage, from, n, *steered[p], false, sums[p + 1]);
        sums[p + 1].steeredRows += statistics(worker_.lane()).steered - before;
      }
    }
    return sums;
  }

 private:
  void stretch(const Passage& passage, size_t from, size_t n, Sequence& sequence, bool isPlain, Sums& sums) {
    sequence.step(&passage.tokens[from], n, from + n == passage.tokens.size());
    for (size_t i = std::max(from, passage.first); i < from + n && i + 1 < passage.tokens.size(); i++) {
      const float* logits = worker_.session().logits(static_cast<int>(i - from));
      row(i - from, logits, passage.tokens[i + 1].token, isPlain, sums);
    }
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
    for (size_t w = 0; w < question_.words.size(); w++) {
      sums.wordLogProbability[w] += logProbability(logits, of, question_.words[w]);
    }
  }

  Worker& worker_;
  const Question& question_;
  int64_t vocabulary_;
  std::vector<float> plain_;  // logits of the current stretch; [batch, vocabulary]
  std::vector<SoftmaxStatistics> statistics_;
};

Json resultOf(const std::vector<Sums>& sums, int64_t measured) {
  double n = static_cast<double>(measured);
  Json runs = Json::array();
  for (size_t p = 1; p < sums.size(); p++) {
    Json shift = Json::array();
    for (size_t w = 0; w < sums[p].wordLogProbability.size(); w++) {
      shift.push_back((sums[p].wordLogProbability[w] - sums[0].wordLogProbability[w]) / n);
    }
    runs.push_back({{"kl", sums[p].kl / n},
                    {"nll", sums[p].nll / n},
                    {"wordShift", shift},
                    {"steeredRows", sums[p].steeredRows}});
  }
  return {{"tokens", measured}, {"nllPlain", sums[0].nll / n}, {"runs", runs}};
}

}  // namespace

Json measure(Workbench& bench, const Request& request) {
  const Model& model = bench.model();
  int layer = static_cast<int>(request.integer("layer", -1));
  int context = static_cast<int>(request.integer("context", std::min(model.trainedContext(), 512)));
  Question question = {layer, {}, {}};
  for (const Json& run : request.array("runs")) {
    question.plans.push_back(bench.plan(run, layer));
    if (!question.plans.back()) {
      throw Failure(Fault::kUsage, "a run to measure has no plan");
    }
  }
  Json named = Json::array();
  for (const std::string& word : request.has("words") ? request.texts("words") : std::vector<std::string>()) {
    question.words.push_back(model.firstToken(word));
    named.push_back({{"word", word}, {"token", question.words.back()}});
  }
  std::vector<Passage> passages;
  size_t longest = 1;
  for (const Json& item : request.array("items")) {
    passages.push_back(passageOf(model, request.with(item), context));
    longest = std::max(longest, passages.back().tokens.size());
  }
  int rows = static_cast<int>(std::min<int64_t>(
      std::max<int64_t>(kLogitBytes / (4 * model.vocabularySize()), 16), static_cast<int64_t>(longest)));
  int sequences = static_cast<int>(question.plans.size()) + 1;
  SessionShape shape = {static_cast<int>(longest), sequences, rows, static_cast<int>(longest) * sequences};
  shape.apart = true;

  // A sum a passage, added up in their order: the same figures whoever measured what.
  std::vector<std::vector<Sums>> perPassage(passages.size());
  size_t done = 0;
  std::mutex mutex;
  Counter counter(passages.size());
  int workers = std::min<int>(model.threads(), static_cast<int>(passages.size()));
  runWorkers(bench, workers, shape, [&](Worker& worker) {
    Measurement measurement(worker, question);
    for (size_t i = counter.next(); i < counter.end(); i = counter.next()) {
      perPassage[i] = measurement.along(passages[i]);
      std::lock_guard<std::mutex> lock(mutex);
      request.event("progress", {{"done", ++done}, {"of", passages.size()}});
    }
  });
  std::vector<Sums> sums(sequences);
  int64_t measured = 0;
  for (size_t i = 0; i < passages.size(); i++) {
    measured += passages[i].predicted();
    for (int s = 0; s < sequences; s++) {
      sums[s].add(perPassage[i][s]);
    }
  }
  if (measured == 0) {
    throw Failure(Fault::kData, "the texts to measure predict no token: each needs at least three");
  }
  Json result = resultOf(sums, measured);
  result["words"] = named;
  return result;
}

}  // namespace coxllama
