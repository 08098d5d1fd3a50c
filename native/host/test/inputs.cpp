#include "inputs.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>

namespace coxswain::host::test {

namespace fs = std::filesystem;

namespace {

struct Scratch {
  fs::path path = fs::temp_directory_path() / ("coxswain-host-test-" + std::to_string(getpid()));
  Scratch() { fs::create_directories(path); }
  ~Scratch() { fs::remove_all(path); }
};

uint64_t chooseSeed() {
  const char* given = std::getenv("COX_SEED");
  uint64_t chosen = given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
  std::printf("seed %llu (COX_SEED repeats it)\n", static_cast<unsigned long long>(chosen));
  return chosen;
}

// A safetensors file of F32 tensors in the order given.
class TensorFile {
 public:
  void add(const std::string& name, const std::string& shape, const std::vector<float>& values) {
    size_t begin = data_.size() * sizeof(float);
    data_.insert(data_.end(), values.begin(), values.end());
    header_ += (header_.empty() ? "" : ",") + ("\"" + name) + R"(":{"dtype":"F32","shape":)" + shape +
               R"(,"data_offsets":[)" + std::to_string(begin) + "," +
               std::to_string(data_.size() * sizeof(float)) + "]}";
  }
  void write(const fs::path& path) const {
    std::string header = "{" + header_ + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    auto bytes = static_cast<uint64_t>(header.size());
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    file << header;
    file.write(reinterpret_cast<const char*>(data_.data()),
               static_cast<std::streamsize>(data_.size() * sizeof(float)));
  }

 private:
  std::string header_;
  std::vector<float> data_;
};

std::vector<float> transposed(const std::vector<float>& matrix, int rows, int columns) {
  std::vector<float> result(matrix.size());
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < columns; ++c)
      result[static_cast<size_t>(c) * rows + r] = matrix[static_cast<size_t>(r) * columns + c];
  }
  return result;
}

std::string shape(int rows, int columns) {
  return "[" + std::to_string(rows) + "," + std::to_string(columns) + "]";
}

}  // namespace

const fs::path& scratch() {
  static Scratch folder;
  return folder.path;
}

uint64_t seed() {
  static const uint64_t chosen = chooseSeed();
  return chosen;
}

std::vector<float> randomRows(size_t rows, int width, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * static_cast<size_t>(width));
  for (float& value : values) value = normal(random);
  return values;
}

Weights writeSae(const fs::path& folder, int width, int features, uint64_t seed) {
  fs::create_directories(folder);
  Weights weights{width, features, randomRows(static_cast<size_t>(features), width, seed)};
  TensorFile file;
  file.add("W_enc", shape(width, features), transposed(weights.wDec, features, width));
  file.add("W_dec", shape(features, width), weights.wDec);
  file.add("b_enc", "[" + std::to_string(features) + "]", std::vector<float>(static_cast<size_t>(features)));
  file.add("b_dec", "[" + std::to_string(width) + "]", std::vector<float>(static_cast<size_t>(width)));
  file.write(folder / "sae_weights.safetensors");
  std::ofstream(folder / "cfg.json")
      << R"({"architecture":"topk","d_in":)" << width << R"(,"d_sae":)" << features << R"(,"k":)" << kActive
      << R"(,"dtype":"float32","device":"cpu",)"
      << R"("apply_b_dec_to_input":true,"normalize_activations":"none",)"
      << R"("reshape_activations":"none","rescale_acts_by_decoder_norm":false,)"
      << R"("metadata":{"sae_lens_version":"6.18.0","coxswain":)"
      << R"({"mean_norm":12.5,"layer":7,"model_sha256":")" << std::string(64, 'a') << R"("}}})";
  return weights;
}

std::vector<float> rowOf(const std::vector<float>& values, size_t row, int width) {
  auto begin = values.begin() + static_cast<long>(row) * width;
  return std::vector<float>(begin, begin + width);
}

cox_row row(uint64_t request, cox_plan* plan, int position, uint32_t flags) {
  return cox_row{request, plan, position, 1000 + position, flags, 0};
}

cox_block block(float* data, size_t rows, int width, int layer) {
  auto value = coxswain::sized<cox_block>();
  value.layer = layer;
  value.dtype = COX_F32;
  value.data = data;
  value.rows = static_cast<int64_t>(rows);
  value.width = width;
  return value;
}

std::string addPlan(int feature, double strength, const std::string& more) {
  return "{" + more + R"("rules":[{"op":"add","features":[)" + std::to_string(feature) + R"(],"strength":)" +
         std::to_string(strength) + "}]}";
}

std::vector<float> added(const std::vector<float>& x, const Weights& weights, int feature, float strength) {
  std::vector<float> result(x);
  for (size_t i = 0; i < x.size(); ++i) {
    result[i] += strength * weights.row(feature)[i % static_cast<size_t>(weights.width)];
  }
  return result;
}

}  // namespace coxswain::host::test
