// The output embedding of a GGUF file, read from the file itself: in memory it may be repacked.
#pragma once

#include <ggml.h>

#include <memory>
#include <string>
#include <vector>

struct gguf_context;

namespace coxllama {

// Rows and final norm as float32. Immutable; any thread.
class Unembedding {
 public:
  // Throws Failure where the file has neither `output.weight` nor `token_embd.weight`.
  explicit Unembedding(const std::string& path);
  ~Unembedding();
  Unembedding(const Unembedding&) = delete;
  Unembedding& operator=(const Unembedding&) = delete;

  int64_t width() const { return width_; }
  int64_t rows() const { return rows_; }

  // Adds a token's row to sum[width].
  void addRow(int64_t token, std::vector<float>& sum) const;

  // `output_norm.weight`, or empty.
  std::vector<float> finalNorm() const;

 private:
  const char* tensorData(int64_t index) const;

  std::string path_;
  gguf_context* header_ = nullptr;
  ggml_context* shapes_ = nullptr;
  const char* map_ = nullptr;
  size_t mapped_ = 0;
  const char* data_ = nullptr;
  ggml_type type_ = GGML_TYPE_F32;
  int64_t width_ = 0;
  int64_t rows_ = 0;
};

}  // namespace coxllama
