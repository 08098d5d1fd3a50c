// Rows for words: hidden states of a sentence's last token, or output-embedding rows.
#include "failure.h"
#include "operations.h"
#include "prompt.h"
#include "unembedding.h"

namespace coxllama {
namespace {

// Most words evaluated in one decode, each as a sequence of its own.
constexpr int kSequences = 64;

void add(cox_vocabulary* vocabulary, const std::string& word, const float* row, const char* reason) {
  check(cox_vocabulary_add(vocabulary, word.c_str(), row, reason));
}

VocabularyHandle openVocabulary(Workbench& bench, const Request& request, int source,
                                const std::vector<float>& norm) {
  std::string out = request.text("out");
  cox_vocabulary_options options = {};
  options.size = sizeof options;
  options.out = out.c_str();
  options.source = source;
  options.width = bench.model().width();
  options.rho = static_cast<float>(request.number("rho", 0));
  options.final_norm = norm.empty() ? nullptr : norm.data();
  cox_vocabulary* vocabulary = nullptr;
  check(cox_vocabulary_open(bench.engine(), &options, &vocabulary));
  return VocabularyHandle(vocabulary);
}

// Keeps the rows of tokens that end a sequence, in the batch's order.
class LastRows : public Tap {
 public:
  LastRows(int layer, int64_t width) : layer_(layer), width_(width) {}

  bool wants(int layer) override { return layer == layer_; }
  void begin(const cox_row* rows, int64_t) override { rows_ = rows; }
  void layer(const Block& block) override {
    for (int64_t i = 0; i < block.rows; i++) {
      if (rows_[i].flags & COX_ROW_LAST) {
        const float* row = block.values + i * width_;
        kept_.emplace_back(row, row + width_);
      }
    }
  }
  void end(bool) override {}

  std::vector<std::vector<float>> take() { return std::move(kept_); }

 private:
  int layer_;
  int64_t width_;
  const cox_row* rows_ = nullptr;
  std::vector<std::vector<float>> kept_;
};

// Evaluates the template with each word in batches, up to the layer.
class TemplateWords {
 public:
  TemplateWords(const Request& request, Session& session, LastRows& tap, cox_vocabulary* vocabulary)
      : request_(request), session_(session), tap_(tap), vocabulary_(vocabulary) {}

  void run(const std::vector<std::string>& words, const std::string& pattern) {
    size_t hole = pattern.find("{}");
    for (size_t w = 0; w < words.size(); w++) {
      std::string text = pattern.substr(0, hole) + words[w] + pattern.substr(hole + 2);
      std::vector<TaggedToken> tokens = rawPrompt(session_.model(), text);
      if (tokens.size() > static_cast<size_t>(session_.context())) {
        add(vocabulary_, words[w], nullptr, "has more tokens than the context");
        continue;
      }
      addSequence(words[w], tokens);
      if ((w + 1) % 500 == 0) {
        request_.event("progress", {{"done", w + 1}, {"of", words.size()}});
      }
    }
    flush();
  }

 private:
  void addSequence(const std::string& word, const std::vector<TaggedToken>& tokens) {
    if (batch_.size() + tokens.size() > static_cast<size_t>(session_.batch()) ||
        words_.size() == kSequences) {
      flush();
    }
    for (size_t i = 0; i < tokens.size(); i++) {
      cox_row row = {};
      row.position = static_cast<int32_t>(i);
      row.token = tokens[i].token;
      row.flags = tokens[i].flags | (i + 1 == tokens.size() ? COX_ROW_LAST : 0);
      batch_.add(row, static_cast<int>(words_.size()), false);
    }
    words_.push_back(word);
  }

  void flush() {
    if (words_.empty()) {
      return;
    }
    session_.decode(batch_);
    session_.clear();
    std::vector<std::vector<float>> rows = tap_.take();
    for (size_t w = 0; w < words_.size(); w++) {
      add(vocabulary_, words_[w], rows.at(w).data(), nullptr);
    }
    batch_.clear();
    words_.clear();
  }

  const Request& request_;
  Session& session_;
  LastRows& tap_;
  cox_vocabulary* vocabulary_;
  Batch batch_;
  std::vector<std::string> words_;
};

VocabularyHandle fromTemplate(Workbench& bench, const Request& request) {
  int layer = static_cast<int>(request.integer("layer"));
  bench.model().requireInnerLayer(layer);
  std::string pattern = request.text("template", "The word is {}");
  if (pattern.find("{}") == std::string::npos) {
    throw Failure(Fault::kUsage, "the template '" + pattern + "' has no {} for the word");
  }
  VocabularyHandle vocabulary = openVocabulary(bench, request, COX_VOCABULARY_TEMPLATE, {});
  auto session = bench.session({512, kSequences, 512, 512, bench.model().threads()});
  LastRows tap(layer, bench.model().width());
  session->hook().tap(&tap);
  session->hook().stopAfter(layer);
  session->hook().require(layer);
  TemplateWords(request, *session, tap, vocabulary.get()).run(request.texts("words"), pattern);
  return vocabulary;
}

VocabularyHandle fromUnembedding(Workbench& bench, const Request& request) {
  const Model& model = bench.model();
  Unembedding unembedding(model.path());
  if (unembedding.width() != model.width()) {
    throw Failure(Fault::kData, model.path() + ": its output embedding is " +
                                    std::to_string(unembedding.width()) + " wide, its hidden states " +
                                    std::to_string(model.width()));
  }
  VocabularyHandle vocabulary =
      openVocabulary(bench, request, COX_VOCABULARY_UNEMBEDDING, unembedding.finalNorm());
  for (const std::string& word : request.texts("words")) {
    std::vector<llama_token> tokens = model.wordTokens(word);
    if (tokens.empty()) {
      add(vocabulary.get(), word, nullptr, "has no token in this model");
      continue;
    }
    std::vector<float> mean(unembedding.width());
    for (llama_token token : tokens) {
      unembedding.addRow(token, mean);
    }
    for (float& value : mean) {
      value /= static_cast<float>(tokens.size());
    }
    add(vocabulary.get(), word, mean.data(), nullptr);
  }
  return vocabulary;
}

}  // namespace

Json vocabulary(Workbench& bench, const Request& request) {
  std::string from = request.text("from");
  if (from != "template" && from != "unembedding") {
    throw Failure(Fault::kUsage, "'from' is '" + from + "': use template or unembedding");
  }
  VocabularyHandle made = from == "template" ? fromTemplate(bench, request) : fromUnembedding(bench, request);
  cox_vocabulary_info info = {};
  info.size = sizeof info;
  check(cox_vocabulary_finish(made.release(), &info));
  return {{"words", info.words}, {"dropped", info.dropped}};
}

}  // namespace coxllama
