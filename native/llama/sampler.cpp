#include "sampler.h"

#include <cmath>

#include "failure.h"

namespace coxllama {

Sampler::Sampler(const llama_vocab* vocab, const Request& request)
    : chain_(llama_sampler_chain_init(llama_sampler_chain_default_params()), llama_sampler_free) {
  double temperature = request.number("temperature", 0.7);
  double penalty = request.number("repeatPenalty", 1.1);
  double topP = request.number("topP", 0.95);
  int64_t topK = request.integer("topK", 40);
  if (!(temperature >= 0) || !std::isfinite(temperature) || !(penalty > 0) || !(topP > 0) || topP > 1 ||
      topK < 1) {
    throw Failure(Fault::kUsage,
                  "sampling needs temperature >= 0, repeatPenalty > 0, 0 < topP <= 1 and topK >= 1");
  }
  auto add = [this](llama_sampler* sampler) { llama_sampler_chain_add(chain_.get(), sampler); };
  if (penalty != 1) {
    constexpr int kLastTokens = 64;
    add(llama_sampler_init_penalties(llama_vocab_n_tokens(vocab), kLastTokens, static_cast<float>(penalty), 0,
                                     0));
  }
  if (temperature == 0) {
    add(llama_sampler_init_greedy());
    return;
  }
  add(llama_sampler_init_top_k(static_cast<int32_t>(topK)));
  add(llama_sampler_init_top_p(static_cast<float>(topP), 1));
  add(llama_sampler_init_temp(static_cast<float>(temperature)));
  add(llama_sampler_init_dist(static_cast<uint32_t>(request.integer("seed", 0))));
}

}  // namespace coxllama
