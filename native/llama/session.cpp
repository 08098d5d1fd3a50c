#include "session.h"

#include "failure.h"

namespace coxllama {
namespace {

using ThreadPool = std::unique_ptr<ggml_threadpool, void (*)(ggml_threadpool*)>;

template <typename F>
F cpuFunction(const char* name) {
  ggml_backend_reg_t reg = ggml_backend_reg_by_name("CPU");
  void* address = reg == nullptr ? nullptr : ggml_backend_reg_get_proc_address(reg, name);
  if (address == nullptr) {
    throw Failure(Fault::kDevice, std::string("llama.cpp's CPU plug-in has no ") + name);
  }
  return reinterpret_cast<F>(address);
}

ThreadPool newThreadPool(int threads) {
  auto create = cpuFunction<ggml_threadpool* (*)(ggml_threadpool_params*)>("ggml_threadpool_new");
  auto release = cpuFunction<void (*)(ggml_threadpool*)>("ggml_threadpool_free");
  ggml_threadpool_params params = ggml_threadpool_params_default(threads);
  return {create(&params), release};
}

void freeBatch(llama_batch* batch) {
  llama_batch_free(*batch);
  delete batch;
}

}  // namespace

Session::Session(const Model& model, SessionShape shape)
    : model_(model),
      shape_(shape),
      hook_(std::make_unique<Hook>()),
      pool_(newThreadPool(shape.threads)),
      context_(nullptr, llama_free),
      tokens_(new llama_batch(llama_batch_init(shape.batch, 0, 1)), freeBatch) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = shape.cells;
  params.n_batch = shape.batch;
  params.n_ubatch = shape.batch;
  params.n_seq_max = shape.sequences;
  params.n_threads = shape.threads;
  params.n_threads_batch = shape.threads;
  params.cb_eval = Hook::onEval;
  params.cb_eval_user_data = hook_.get();
  params.abort_callback = Hook::onAbort;
  params.abort_callback_data = hook_.get();
  params.kv_unified = !shape.apart;
  params.no_perf = true;
  takeLlamaError();
  context_.reset(llama_init_from_model(model.raw(), params));
  if (!context_) {
    throw Failure(Fault::kDevice, "llama.cpp cannot make a context of " + std::to_string(params.n_ctx) +
                                      " tokens: " + takeLlamaError());
  }
  // A pool that lives on saves making threads for every view of a graph that the hook splits.
  llama_attach_threadpool(raw(), pool_.get(), pool_.get());
}

void Session::decode(const Batch& rows) {
  llama_batch& batch = *tokens_;
  batch.n_tokens = static_cast<int32_t>(rows.size());
  for (size_t i = 0; i < rows.size(); i++) {
    batch.token[i] = rows.rows[i].token;
    batch.pos[i] = rows.rows[i].position;
    batch.n_seq_id[i] = 1;
    batch.seq_id[i][0] = rows.sequences[i];
    batch.logits[i] = rows.wantsLogits[i];
  }
  takeLlamaError();
  hook_->beginDecode(&rows);
  int status = llama_decode(raw(), batch);
  bool stopped = status == 2 && hook_->reachedStop() && hook_->error() == nullptr;
  hook_->endDecode(status != 0 && !stopped);
  if (hook_->error()) {
    std::rethrow_exception(hook_->error());
  }
  if (status == 1) {
    throw Failure(Fault::kUsage,
                  "the text is longer than the context of " + std::to_string(shape_.context) + " tokens");
  }
  if (status == 2 && !stopped) {
    throw Failure(Fault::kDevice, "cancelled");
  }
  if (status != 0 && !stopped) {
    throw Failure(Fault::kDevice, "llama.cpp could not evaluate the batch: " + takeLlamaError());
  }
  if (hook_->missingLayer() >= 0) {
    throw Failure(Fault::kData, model_.path() + ": its graph has no tensor l_out-" +
                                    std::to_string(hook_->missingLayer()) + ", the output of block " +
                                    std::to_string(hook_->missingLayer()) +
                                    "; this architecture is not supported");
  }
}

void Session::clear() { llama_memory_clear(llama_get_memory(raw()), false); }

void Session::clear(int sequence) { llama_memory_seq_rm(llama_get_memory(raw()), sequence, -1, -1); }

}  // namespace coxllama
