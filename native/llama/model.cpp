#include "model.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "failure.h"

namespace coxllama {
namespace {

// llama.cpp logs on the thread that fails.
thread_local std::string lastError;

void onLog(ggml_log_level level, const char* text, void*) {
  static const bool verbose = std::getenv("COX_VERBOSE") != nullptr;
  if (verbose) {
    std::fputs(text, stderr);
  }
  if (level == GGML_LOG_LEVEL_ERROR && lastError.empty()) {
    lastError = text;
  }
}

void requireFile(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) {
    throw Failure(Fault::kFile,
                  "reading " + path + ": " +
                      (errno == ENOENT ? "no such file or folder" : std::string(std::strerror(errno))));
  }
  if (!S_ISREG(status.st_mode)) {
    throw Failure(Fault::kFile, path + " is not a file; a GGUF model is needed");
  }
}

}  // namespace

std::string takeLlamaError() {
  std::string line = lastError.substr(0, lastError.find('\n'));
  lastError.clear();
  return line;
}

void loadBackends() {
  llama_log_set(onLog, nullptr);
  Dl_info info = {};
  if (dladdr(reinterpret_cast<void*>(&llama_backend_init), &info) == 0) {
    throw Failure(Fault::kDevice, "cannot find the folder llama.cpp was loaded from");
  }
  std::string file = info.dli_fname;
  ggml_backend_load_all_from_path(file.substr(0, file.rfind('/')).c_str());
  if (ggml_backend_reg_by_name("CPU") == nullptr) {
    throw Failure(Fault::kDevice,
                  "no CPU plug-in of llama.cpp fits this machine (" + file.substr(0, file.rfind('/')) + ")");
  }
  llama_backend_init();
}

Model::Model(const std::string& path, int threads)
    : path_(path), threads_(threads), model_(nullptr, llama_model_free) {
  requireFile(path);
  takeLlamaError();
  model_.reset(llama_model_load_from_file(path.c_str(), llama_model_default_params()));
  if (!model_) {
    std::string reason = takeLlamaError();
    throw Failure(Fault::kData,
                  path + ": not a model llama.cpp can run" + (reason.empty() ? "" : " (" + reason + ")"));
  }
  vocab_ = llama_model_get_vocab(raw());
  if (llama_model_has_encoder(raw()) || !llama_model_has_decoder(raw())) {
    throw Failure(Fault::kData, path + ": only decoder models are supported, this one encodes");
  }
}

std::string Model::meta(const char* key) const {
  char buffer[512];
  int length = llama_model_meta_val_str(raw(), key, buffer, sizeof buffer);
  return length < 0 ? "" : std::string(buffer);
}

std::string Model::description() const {
  char buffer[256];
  llama_model_desc(raw(), buffer, sizeof buffer);
  return buffer;
}

std::optional<std::string> Model::chatTemplate() const {
  const char* text = llama_model_chat_template(raw(), nullptr);
  return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}

std::vector<llama_token> Model::tokenize(const std::string& text, bool addSpecial, bool parseSpecial) const {
  std::vector<llama_token> tokens(text.size() + 8);
  int length = static_cast<int>(text.size());
  int n = llama_tokenize(vocab_, text.data(), length, tokens.data(), static_cast<int>(tokens.size()),
                         addSpecial, parseSpecial);
  if (n < 0 && n != INT32_MIN) {
    tokens.resize(-n);
    n = llama_tokenize(vocab_, text.data(), length, tokens.data(), -n, addSpecial, parseSpecial);
  }
  if (n < 0) {
    throw Failure(Fault::kData, "the text is too long to tokenize (" + std::to_string(length) + " bytes)");
  }
  tokens.resize(n);
  return tokens;
}

std::string Model::piece(llama_token token, bool special) const {
  char small[64];
  int n = llama_token_to_piece(vocab_, token, small, sizeof small, 0, special);
  if (n >= 0) {
    return std::string(small, n);
  }
  std::string large(-n, '\0');
  llama_token_to_piece(vocab_, token, large.data(), -n, 0, special);
  return large;
}

std::vector<llama_token> Model::wordTokens(const std::string& word) const {
  // SentencePiece models that prefix a space themselves want the bare word.
  bool prefixes =
      meta("tokenizer.ggml.add_space_prefix") != "false" && llama_vocab_type(vocab_) == LLAMA_VOCAB_TYPE_SPM;
  return tokenize(prefixes ? word : " " + word, false, false);
}

llama_token Model::firstToken(const std::string& word) const {
  std::vector<llama_token> tokens = wordTokens(word);
  if (tokens.empty()) {
    throw Failure(Fault::kData, "the word '" + word + "' has no token in this model");
  }
  return tokens.front();
}

void Model::requireInnerLayer(int layer) const {
  if (layer < 0 || layer > layers() - 1) {
    throw Failure(Fault::kUsage, "layer " + std::to_string(layer) + ": the model has " +
                                     std::to_string(layers()) + " layers; use 0 to " +
                                     std::to_string(layers() - 2));
  }
  if (layer == layers() - 1) {
    throw Failure(Fault::kUsage,
                  "layer " + std::to_string(layer) +
                      " is the model's last, where llama.cpp keeps only the rows whose logits are "
                      "asked for; use 0 to " +
                      std::to_string(layers() - 2));
  }
}

}  // namespace coxllama
