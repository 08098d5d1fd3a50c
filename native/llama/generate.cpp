// Continues prompts under each of several runs: plain, or steered by a plan.
//
// Request: "layer", "prompts": [TEXT], "runs": [null | {"sae", "plan", "base"}], "maxTokens", "raw"
// (true: the prompt as it stands, false: in the chat template; default: the template if there is one),
// "system", the sampler's fields, and optionally "activations": {"sae", "features": [N],
// "before"?}: under every token, what those features do after the plan, or before it.
// Events: "piece" {"prompt", "run", "text"} as the text grows.
// Result: {"continuations": [prompt][run]}.
#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>

#include "documents.h"
#include "failure.h"
#include "operations.h"
#include "sampler.h"
#include "sequence.h"
#include "workers.h"

namespace coxllama {
namespace {

using Clock = std::chrono::steady_clock;

// Bytes of tokens put together to whole characters.
class Characters {
 public:
  // The characters that are complete now.
  std::string add(const std::string& bytes) {
    pending_ += bytes;
    size_t bad = invalidUtf8(pending_);
    // Up to three bytes at the end may be a character that is still growing.
    size_t whole = bad != std::string::npos && pending_.size() - bad < 4 ? bad : pending_.size();
    std::string done = pending_.substr(0, whole);
    pending_.erase(0, whole);
    return done;
  }

  std::string rest() const { return pending_; }

 private:
  std::string pending_;
};

struct Setting {
  int layer;
  int maxTokens;
  bool raw;
  std::string system;
};

struct Continuation {
  std::vector<TaggedToken> tokens;  // the prompt's and then the model's own
  size_t promptTokens = 0;
  std::string text;
  const char* finish = "length";
  double promptSeconds = 0;
  double seconds = 0;      // of the tokens after the first
  double hookSeconds = 0;  // of these, inside the engine
  uint64_t steeredRows = 0;
};

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

std::vector<TaggedToken> promptTokens(const Model& model, const Setting& setting, const std::string& text) {
  std::vector<TaggedToken> tokens =
      setting.raw ? rawPrompt(model, text) : chatPrompt(model, setting.system, text);
  if (tokens.size() >= static_cast<size_t>(model.trainedContext())) {
    throw Failure(Fault::kUsage, "the prompt has " + std::to_string(tokens.size()) +
                                     " tokens, the model's context is " +
                                     std::to_string(model.trainedContext()));
  }
  return tokens;
}

uint64_t steeredRows(cox_lane* lane) { return lane == nullptr ? 0 : statistics(lane).steered; }

Continuation continuePrompt(Session& session, cox_lane* lane, cox_plan* plan, const Setting& setting,
                            std::vector<TaggedToken> prompt, Sampler sampler,
                            const std::function<void(const std::string&)>& stream) {
  const Model& model = session.model();
  Continuation result;
  result.promptTokens = prompt.size();
  result.tokens = prompt;
  Characters characters;
  uint64_t steeredBefore = steeredRows(lane);
  Clock::time_point begin = Clock::now();
  Sequence sequence(session, lane, plan, setting.layer);
  sequence.extend(prompt);
  Clock::time_point prompted = Clock::now();
  uint64_t hookBefore = session.hook().nanoseconds();
  for (int i = 0; i < setting.maxTokens; i++) {
    llama_token token = sampler.sample(session.raw(), sequence.lastRow());
    if (model.ends(token)) {
      result.finish = "end";
      break;
    }
    TaggedToken tagged = {token, COX_ROW_REPLY | COX_ROW_GENERATED};
    result.tokens.push_back(tagged);
    std::string piece = characters.add(model.piece(token, false));
    result.text += piece;
    stream(piece);
    if (sequence.length() == session.context()) {
      result.finish = "context";
      break;
    }
    if (i + 1 < setting.maxTokens) {
      sequence.extend({tagged});
    }
  }
  stream(characters.rest());
  result.text += characters.rest();
  result.promptSeconds = seconds(begin, prompted);
  result.seconds = seconds(prompted, Clock::now());
  result.hookSeconds = (session.hook().nanoseconds() - hookBefore) * 1e-9;
  result.steeredRows = steeredRows(lane) - steeredBefore;
  return result;
}

// What chosen features do under every token, by a pass over the finished text. Up to the layer's
// output it sees what generation saw: states there hang on the tokens before alone.
class Activations {
 public:
  Activations(cox_lane* lane, cox_sae* sae, const Request& request, int layer)
      : lane_(lane),
        sae_(sae),
        layer_(layer),
        moment_(request.flag("before", false) ? COX_BEFORE_PLANS : COX_AFTER_PLANS) {
    for (const Json& feature : request.array("features")) {
      features_.push_back(feature.get<int32_t>());
    }
    check(cox_lane_observe(lane_, sae_, layer_, moment_, &Activations::onRow, this));
  }
  ~Activations() { cox_lane_observe(lane_, sae_, layer_, moment_, nullptr, nullptr); }

  // [token][feature]
  Json under(Session& session, cox_plan* plan, const std::vector<TaggedToken>& tokens) {
    rows_ = Json::array();
    Sequence sequence(session, lane_, plan, layer_);
    // An abandoned decode forgets its rows, so only a text of one decode can stop at the layer.
    session.hook().stopAfter(tokens.size() <= static_cast<size_t>(session.batch()) ? layer_ : -1);
    sequence.extend(tokens);
    session.hook().stopAfter(-1);
    return std::move(rows_);
  }

 private:
  static void onRow(void* self, const cox_features* row) {
    Activations* activations = static_cast<Activations*>(self);
    Json values = Json::array();
    for (int32_t feature : activations->features_) {
      const int32_t* end = row->indices + row->n;
      const int32_t* found = std::find(row->indices, end, feature);
      values.push_back(found == end ? 0.f : row->values[found - row->indices]);
    }
    activations->rows_.push_back(values);
  }

  cox_lane* lane_;
  cox_sae* sae_;
  int layer_;
  int moment_;
  std::vector<int32_t> features_;
  Json rows_;
};

// Sends the pieces of texts that are written side by side as if they were written one after another.
// Any thread.
class PieceOrder {
 public:
  PieceOrder(const Request& request, size_t runs, size_t tasks)
      : request_(request), runs_(runs), waiting_(tasks), ended_(tasks) {}

  void piece(size_t task, const std::string& text) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (task == turn_) {
      send(task, text);
    } else {
      waiting_[task] += text;
    }
  }

  void end(size_t task) {
    std::lock_guard<std::mutex> lock(mutex_);
    ended_[task] = true;
    while (turn_ < ended_.size() && ended_[turn_]) {
      turn_++;
      if (turn_ < ended_.size()) {
        send(turn_, waiting_[turn_]);
      }
    }
  }

 private:
  void send(size_t task, const std::string& text) {
    if (!text.empty()) {
      request_.event("piece", {{"prompt", task / runs_}, {"run", task % runs_}, {"text", text}});
    }
  }

  const Request& request_;
  size_t runs_;
  std::mutex mutex_;
  size_t turn_ = 0;
  std::vector<std::string> waiting_;
  std::vector<bool> ended_;
};

Json pieces(const Model& model, const std::vector<TaggedToken>& tokens) {
  Json result = Json::array();
  Characters characters;
  for (const TaggedToken& tagged : tokens) {
    result.push_back(characters.add(model.piece(tagged.token, true)));
  }
  return result;
}

Json describe(const Model& model, const Continuation& made) {
  size_t generated = made.tokens.size() - made.promptTokens;
  Json tokens = Json::array();
  for (const TaggedToken& tagged : made.tokens) {
    tokens.push_back(tagged.token);
  }
  return {{"text", made.text},
          {"finish", made.finish},
          {"tokens", tokens},
          {"pieces", pieces(model, made.tokens)},
          {"promptTokens", made.promptTokens},
          {"generatedTokens", generated},
          {"steeredRows", made.steeredRows},
          {"promptSeconds", made.promptSeconds},
          {"seconds", made.seconds},
          {"tokensPerSecond", made.seconds > 0 ? generated / made.seconds : 0},
          {"hookSeconds", made.hookSeconds}};
}

Setting settingOf(const Model& model, const Request& request) {
  Setting setting = {static_cast<int>(request.integer("layer", -1)),
                     static_cast<int>(request.integer("maxTokens", 64)),
                     request.flag("raw", !model.chatTemplate()), request.text("system", "")};
  if (setting.maxTokens < 1) {
    throw Failure(Fault::kUsage, "maxTokens must be at least 1");
  }
  return setting;
}

}  // namespace

Json generate(Workbench& bench, const Request& request) {
  const Model& model = bench.model();
  Setting setting = settingOf(model, request);
  std::vector<PlanHandle> plans;
  for (const Json& run : request.array("runs")) {
    plans.push_back(bench.plan(run, setting.layer));
  }
  std::vector<std::vector<TaggedToken>> prompts;
  size_t longest = 0;
  for (const std::string& text : request.texts("prompts")) {
    prompts.push_back(promptTokens(model, setting, text));
    longest = std::max(longest, prompts.back().size());
  }
  if (prompts.empty() || plans.empty()) {
    throw Failure(Fault::kUsage, "generating needs at least one prompt and one run");
  }
  std::optional<Request> activations;
  if (request.has("activations")) {
    model.requireInnerLayer(setting.layer);
    activations.emplace(request.part("activations"));
  }
  int context = static_cast<int>(
      std::min<int64_t>(model.trainedContext(), static_cast<int64_t>(longest) + setting.maxTokens));
  SessionShape shape = {context, 1, std::min(512, context), context};
  size_t tasks = prompts.size() * plans.size();
  // One text has all threads to itself; several are written side by side.
  int workers = std::min<int>(model.threads(), static_cast<int>(tasks));
  shape.threads = tasks == 1 ? model.threads() : 1;

  std::vector<Json> written(tasks);
  PieceOrder order(request, plans.size(), tasks);
  Counter counter(tasks);
  runWorkers(bench, workers, shape, [&](Worker& worker) {
    for (size_t task = counter.next(); task < counter.end(); task = counter.next()) {
      cox_plan* plan = plans[task % plans.size()].get();
      Continuation made =
          continuePrompt(worker.session(), plan == nullptr ? nullptr : worker.lane(), plan, setting,
                         prompts[task / plans.size()], Sampler(model.vocab(), request),
                         [&](const std::string& text) { order.piece(task, text); });
      order.end(task);
      written[task] = describe(model, made);
      if (activations) {
        cox_sae* sae = bench.sae(activations->text("sae"));
        written[task]["activations"] = Activations(worker.lane(), sae, *activations, setting.layer)
                                           .under(worker.session(), plan, made.tokens);
      }
    }
  });
  Json continuations = Json::array();
  for (size_t p = 0; p < prompts.size(); p++) {
    auto first = written.begin() + static_cast<std::ptrdiff_t>(p * plans.size());
    continuations.push_back(
        Json(std::vector<Json>(first, first + static_cast<std::ptrdiff_t>(plans.size()))));
  }
  return {{"continuations", continuations}};
}

}  // namespace coxllama
