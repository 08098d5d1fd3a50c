#include "unembedding.h"

#include <fcntl.h>
#include <gguf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "failure.h"

namespace coxllama {
namespace {

Failure unreadable(const std::string& path, const std::string& why) {
  return Failure(Fault::kData, path + ": " + why);
}

void widen(ggml_type type, const char* from, float* to, int64_t n) {
  if (type == GGML_TYPE_F32) {
    const float* values = reinterpret_cast<const float*>(from);
    std::copy(values, values + n, to);
  } else {
    ggml_get_type_traits(type)->to_float(from, to, n);
  }
}

}  // namespace

Unembedding::Unembedding(const std::string& path) : path_(path) {
  gguf_init_params params = {true, &shapes_};
  header_ = gguf_init_from_file(path.c_str(), params);
  if (header_ == nullptr) {
    throw unreadable(path, "not a readable GGUF file");
  }
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status = {};
  if (file < 0 || fstat(file, &status) != 0) {
    throw unreadable(path, "cannot be opened");
  }
  mapped_ = status.st_size;
  void* map = mmap(nullptr, mapped_, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (map == MAP_FAILED) {
    throw unreadable(path, "cannot be mapped into memory");
  }
  map_ = static_cast<const char*>(map);
  int64_t index = gguf_find_tensor(header_, "output.weight");
  index = index >= 0 ? index : gguf_find_tensor(header_, "token_embd.weight");
  if (index < 0) {
    throw unreadable(path, "has neither output.weight nor token_embd.weight");
  }
  data_ = tensorData(index);
  const ggml_tensor* shape = ggml_get_tensor(shapes_, gguf_get_tensor_name(header_, index));
  type_ = shape->type;
  width_ = shape->ne[0];
  rows_ = shape->ne[1];
  if (type_ != GGML_TYPE_F32 && ggml_get_type_traits(type_)->to_float == nullptr) {
    throw unreadable(path, std::string("its output embedding is ") + ggml_type_name(type_) +
                               ", which cannot be read as float32");
  }
}

Unembedding::~Unembedding() {
  if (map_ != nullptr) {
    munmap(const_cast<char*>(map_), mapped_);
  }
  gguf_free(header_);
  ggml_free(shapes_);
}

const char* Unembedding::tensorData(int64_t index) const {
  size_t offset = gguf_get_data_offset(header_) + gguf_get_tensor_offset(header_, index);
  if (offset + gguf_get_tensor_size(header_, index) > mapped_) {
    throw unreadable(path_,
                     std::string(gguf_get_tensor_name(header_, index)) + " lies beyond the end of the file");
  }
  return map_ + offset;
}

void Unembedding::addRow(int64_t token, std::vector<float>& sum) const {
  std::vector<float> row(width_);
  widen(type_, data_ + token * ggml_row_size(type_, width_), row.data(), width_);
  for (int64_t i = 0; i < width_; i++) {
    sum[i] += row[i];
  }
}

std::vector<float> Unembedding::finalNorm() const {
  int64_t index = gguf_find_tensor(header_, "output_norm.weight");
  if (index < 0) {
    return {};
  }
  const ggml_tensor* shape = ggml_get_tensor(shapes_, "output_norm.weight");
  std::vector<float> norm(ggml_nelements(shape));
  widen(shape->type, tensorData(index), norm.data(), static_cast<int64_t>(norm.size()));
  return norm;
}

}  // namespace coxllama
