// What the program does, an operation a request. Each returns its result or throws Failure.
#pragma once

#include "channel.h"
#include "workbench.h"

namespace coxllama {

// {"model", "threads"} -> what `info` says of the model just loaded.
Json load(Workbench& bench, const Request& request);

// -> {"architecture", "description", "layers", "width", "vocabulary", "context", "chat"}.
Json info(Workbench& bench, const Request& request);

// {"from", "to", "type"} -> {}: writes a GGUF file in another type of weights.
Json quantize(Workbench& bench, const Request& request);

// {"text", "chat"?, "system"?} -> {"tokens", "pieces", "flags"}.
Json tokenize(Workbench& bench, const Request& request);

// {"layer", "texts": [PATH], "out", "name", "sha256", "maxTokens"?, "context"?} -> figures. Every
// document becomes contexts; a document's number is its rows' request.
Json harvest(Workbench& bench, const Request& request);

// {"from": "template"|"unembedding", "layer"?, "words", "out", "rho"?, "template"?} -> {"words", "dropped"}.
Json vocabulary(Workbench& bench, const Request& request);

// {"layer", "prompts", "runs", ...} -> each prompt continued under each run. See generate.cpp.
Json generate(Workbench& bench, const Request& request);

// {"layer", "items", "runs", "words"} -> what each run's plan does to the model's predictions.
Json measure(Workbench& bench, const Request& request);

// {"layer"?, "sequences", "runs", "control"?} -> bits of all logits, for tests of equality.
Json logits(Workbench& bench, const Request& request);

}  // namespace coxllama
