// The operations that need the model alone: load, info, quantize, tokenize.
#include <cstdio>
#include <map>

#include "failure.h"
#include "operations.h"
#include "prompt.h"

namespace coxllama {

Json load(Workbench& bench, const Request& request) {
  bench.load(request.text("model"), static_cast<int>(request.integer("threads")),
             request.text("device", "cpu"));
  return info(bench, request);
}

Json info(Workbench& bench, const Request&) {
  const Model& model = bench.model();
  return {{"architecture", model.meta("general.architecture")},
          {"name", model.meta("general.name")},
          {"description", model.description()},
          {"layers", model.layers()},
          {"width", model.width()},
          {"vocabulary", model.vocabularySize()},
          {"context", model.trainedContext()},
          {"threads", model.threads()},
          {"chat", model.chatTemplate().has_value()}};
}

Json quantize(Workbench&, const Request& request) {
  static const std::map<std::string, llama_ftype> kTypes = {
      {"q8_0", LLAMA_FTYPE_MOSTLY_Q8_0}, {"f16", LLAMA_FTYPE_MOSTLY_F16}, {"f32", LLAMA_FTYPE_ALL_F32}};
  std::string to = request.text("to");
  auto type = kTypes.find(request.text("type"));
  if (type == kTypes.end()) {
    throw Failure(Fault::kUsage,
                  "unknown type of weights '" + request.text("type") + "': use q8_0, f16 or f32");
  }
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = type->second;
  params.allow_requantize = true;
  params.nthread = static_cast<int32_t>(request.integer("threads", 0));
  takeLlamaError();
  if (llama_model_quantize(request.text("from").c_str(), to.c_str(), &params) != 0) {
    std::remove(to.c_str());
    throw Failure(Fault::kData,
                  "llama.cpp cannot write " + to + " from " + request.text("from") + ": " + takeLlamaError());
  }
  return Json::object();
}

Json tokenize(Workbench& bench, const Request& request) {
  const Model& model = bench.model();
  std::vector<TaggedToken> tokens = request.flag("chat", false)
                                        ? chatPrompt(model, request.text("system", ""), request.text("text"))
                                        : rawPrompt(model, request.text("text"));
  Json result = {{"tokens", Json::array()}, {"pieces", Json::array()}, {"flags", Json::array()}};
  for (const TaggedToken& tagged : tokens) {
    result["tokens"].push_back(tagged.token);
    result["pieces"].push_back(model.piece(tagged.token, true));
    result["flags"].push_back(tagged.flags);
  }
  return result;
}

}  // namespace coxllama
