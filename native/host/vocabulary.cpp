#include <cmath>
#include <vector>

#include "engine.h"
#include "struct.h"

namespace coxswain::host {

// What the host has added so far; Java computes and writes it in one go.
struct Vocabulary {
  explicit Vocabulary(std::shared_ptr<Engine> owner) : engine(std::move(owner)) {}
  EngineUse engine;
  std::mutex mutex;  // of what follows
  std::string out;
  int32_t source = 0;
  int32_t width = 0;
  float rho = 0;
  std::vector<float> finalNorm;  // [width], or empty
  std::vector<float> rows;       // [words, width]
  std::string words;             // a line each
  size_t count = 0;
  std::string dropped;  // word, tab, reason: a line each
  size_t droppedCount = 0;
};

namespace {

constexpr float kRho = 20;

cox_vocabulary_options checked(const cox_vocabulary_options* given) {
  cox_vocabulary_options options = incoming(given, "cox_vocabulary_options");
  if (options.out == nullptr) fail(COX_ERROR_ARGUMENT, "the vocabulary's out is NULL");
  if (options.source != COX_VOCABULARY_TEMPLATE && options.source != COX_VOCABULARY_UNEMBEDDING) {
    fail(COX_ERROR_ARGUMENT,
         "the vocabulary's source %d is none of COX_VOCABULARY_TEMPLATE, COX_VOCABULARY_UNEMBEDDING",
         options.source);
  }
  if (options.width < 1)
    fail(COX_ERROR_ARGUMENT, "the vocabulary's width is %d; 1 or more is needed", options.width);
  if (!std::isfinite(options.rho) || options.rho < 0) {
    fail(COX_ERROR_ARGUMENT, "the vocabulary's rho is %g; a finite number above 0 is needed",
         static_cast<double>(options.rho));
  }
  if (options.rho == 0) options.rho = kRho;
  return options;
}

void requireLine(const char* text, const char* name) {
  if (text == nullptr) fail(COX_ERROR_ARGUMENT, "the %s is NULL", name);
  if (*text == '\0') fail(COX_ERROR_ARGUMENT, "the %s is empty", name);
  if (std::strpbrk(text, "\r\n") != nullptr) fail(COX_ERROR_ARGUMENT, "the %s holds a line break", name);
}

void add(Vocabulary& vocabulary, const char* word, const float* row, const char* reason) {
  requireLine(word, "word");
  if (row == nullptr) requireLine(reason, "reason of a word without a row");
  std::lock_guard<std::mutex> lock(vocabulary.mutex);
  if (row == nullptr) {
    vocabulary.dropped.append(word).append("\t").append(reason).append("\n");
    ++vocabulary.droppedCount;
    return;
  }
  vocabulary.rows.insert(vocabulary.rows.end(), row, row + vocabulary.width);
  vocabulary.words.append(word).append("\n");
  ++vocabulary.count;
}

// Words of the call's arguments whose values Java replaces: rows kept, and rows dropped for what they hold.
enum { KEPT = 13, UNUSABLE };

cox_vocabulary_info write(Vocabulary& vocabulary) {
  std::lock_guard<std::mutex> lock(vocabulary.mutex);
  int64_t rho = 0;
  std::memcpy(&rho, &vocabulary.rho, sizeof vocabulary.rho);
  Arguments arguments;
  arguments.text(vocabulary.out.c_str())
      .word(vocabulary.source)
      .word(vocabulary.width)
      .word(rho)
      .address(vocabulary.finalNorm.empty() ? nullptr : vocabulary.finalNorm.data())
      .address(vocabulary.rows.data())
      .word(static_cast<int64_t>(vocabulary.count))
      .text(vocabulary.words.data(), vocabulary.words.size())
      .text(vocabulary.dropped.data(), vocabulary.dropped.size())
      .word(0)
      .word(0);
  const Bridge& bridge = Bridge::get();
  bridge.run(bridge.writeVocabulary, *vocabulary.engine->java, arguments);
  auto unusable = static_cast<uint64_t>(arguments.result(UNUSABLE));
  return cox_vocabulary_info{0, static_cast<uint64_t>(arguments.result(KEPT)),
                             vocabulary.droppedCount + unusable};
}

}  // namespace
}  // namespace coxswain::host

struct cox_vocabulary : coxswain::host::Handle<coxswain::host::Vocabulary> {};

using namespace coxswain::host;

int cox_vocabulary_open(cox_engine* engine, const cox_vocabulary_options* options,
                        cox_vocabulary** vocabulary) {
  return guarded([&] {
    requireTarget(vocabulary, "vocabulary");
    cox_vocabulary_options known = checked(options);
    auto content = std::make_shared<Vocabulary>(open(engine, "engine"));
    content->out = known.out;
    content->source = known.source;
    content->width = known.width;
    content->rho = known.rho;
    if (known.final_norm != nullptr)
      content->finalNorm.assign(known.final_norm, known.final_norm + known.width);
    *vocabulary = newHandle<cox_vocabulary>(std::move(content));
    return COX_OK;
  });
}

int cox_vocabulary_add(cox_vocabulary* vocabulary, const char* word, const float* row, const char* reason) {
  return guarded([&] {
    add(*open(vocabulary, "vocabulary"), word, row, reason);
    return COX_OK;
  });
}

int cox_vocabulary_finish(cox_vocabulary* vocabulary, cox_vocabulary_info* info) {
  return guarded([&] {
    open(vocabulary, "vocabulary");
    if (info != nullptr) requireSize(info, "cox_vocabulary_info");
    cox_vocabulary_info written = write(*take(vocabulary, "vocabulary"));
    if (info != nullptr) outgoing(info, written, "cox_vocabulary_info");
    return COX_OK;
  });
}

int cox_vocabulary_abandon(cox_vocabulary* vocabulary) {
  return guarded([&] {
    if (vocabulary != nullptr) take(vocabulary, "vocabulary");
    return COX_OK;
  });
}
