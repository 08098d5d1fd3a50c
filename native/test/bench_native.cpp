// Times of the CPU kernels beside the machine's read bandwidth, from one run:
//   bench_native [THREADS] [PART]   PART: a prefix of the lines wanted
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "cpu/aligned.h"
#include "cpu/encode.h"
#include "cpu/scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace coxswain::cpu;

namespace {

std::string wanted;

double seconds(const std::function<void()>& work) {
  auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/** Processor time of all threads: what is left of the truth when others use the machine too. */
double cpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

double leastCpu = 0;  // of the runs of the last best()

/** The best of several runs: other work on the machine only ever adds. */
double best(const std::function<void()>& work, double budget = 1.5) {
  work();
  double least = 1e30;
  double spent = 0;
  for (int run = 0; run < 5 || (spent < budget && run < 2000); ++run) {
    double before = cpuSeconds();
    double time = seconds(work);
    double cpu = cpuSeconds() - before;
    if (run == 0 || cpu < leastCpu) leastCpu = cpu;
    spent += time;
    if (time < least) least = time;
  }
  return least;
}

/** Whether the line of that name is wanted. */
bool runs(const std::string& name) { return name.compare(0, wanted.size(), wanted) == 0; }

/** Whether lines whose names begin so may be wanted. */
bool mayRun(const std::string& beginning) {
  size_t shorter = std::min(beginning.size(), wanted.size());
  return beginning.compare(0, shorter, wanted, 0, shorter) == 0;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) int64_t readAll(const char* p, int64_t bytes) {
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (int64_t i = 0; i + 256 <= bytes; i += 256) {
    for (int j = 0; j < 8; ++j) {
      sums[j] =
          _mm256_xor_si256(sums[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(p + i + 32 * j)));
    }
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm256_xor_si256(sums[0], sums[j]);
  return _mm256_extract_epi64(sums[0], 0);
}
#else
int64_t readAll(const char* p, int64_t bytes) {
  int64_t sum = 0;
  for (int64_t i = 0; i + 8 <= bytes; i += 8) sum ^= *reinterpret_cast<const int64_t*>(p + i);
  return sum;
}
#endif

/** Bytes a second of a plain read of the same memory by the same threads. */
double bandwidth(Device& device, const float* data, int64_t bytes) {
  std::vector<int64_t> sums(device.pool.threads());
  int64_t share = bytes / device.pool.threads() / 256 * 256;
  double time = best([&] {
    device.pool.run(device.pool.threads(), [&](int64_t task) {
      sums[task] = readAll(reinterpret_cast<const char*>(data) + task * share, share);
    });
  });
  return share * device.pool.threads() / time;
}

struct Weights {
  int64_t features, d;
  AlignedBuffer w;
  std::vector<float> b;

  Weights(int64_t f, int64_t width) : features(f), d(width), w(f * width * 4), b(f) {
    uint64_t state = 1;
    float* p = w.as<float>();
    for (int64_t i = 0; i < f * width; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      p[i] = static_cast<float>(static_cast<int32_t>(state >> 32)) * 0x1p-31f;
    }
  }
};

std::vector<float> rowsOf(int64_t n, int64_t d) {
  std::vector<float> x(n * d);
  uint64_t state = 99;
  for (float& value : x) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<float>(static_cast<int32_t>(state >> 32)) * 0x1p-31f;
  }
  return x;
}

void benchEncode(Device& device, const Weights& weights, int64_t n, double bytesPerSecond) {
  std::string name = "encode d " + std::to_string(weights.d) + " F " + std::to_string(weights.features) +
                     " n " + std::to_string(n);
  if (!runs(name)) return;
  constexpr int64_t k = 32;
  std::vector<float> x = rowsOf(n, weights.d);
  std::vector<float> values(n * k), normalization(2 * n);
  std::vector<int32_t> indices(n * k);
  Encoder encoder{weights.w.as<float>(), weights.b.data(), nullptr,           nullptr,
                  weights.features,      weights.d,        Activation::kTopK, k,
                  Normalization::kNone};
  EncodeCall call{x.data(), Dtype::kF32, n, values.data(), indices.data(), normalization.data(), k};
  EncodeReport report;
  double time = best([&] { report = encode(device, encoder, call); });
  double bytes = 4.0 * weights.features * weights.d;
  double flops = 2.0 * n * weights.features * weights.d;
  std::printf(
      "%-34s %9.3f ms (cpu %9.3f) %7.1f GB/s of weights (%3.0f %% of read) %8.1f GFLOP/s  %9.0f rows/s  full "
      "scans %ld\n",
      name.c_str(), time * 1e3, leastCpu * 1e3, bytes / time * 1e-9, 100 * bytes / time / bytesPerSecond,
      flops / time * 1e-9, n / time, static_cast<long>(report.fullScans));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  int threads = argc > 1 ? std::atoi(argv[1]) : static_cast<int>(std::thread::hardware_concurrency());
  wanted = argc > 2 ? argv[2] : "";
  Device device(threads, bestIsa());
  const char* screen = std::getenv("COX_SCREEN");
  if (screen != nullptr) device.screen = static_cast<ScreenKind>(std::atoi(screen));
  std::printf("%s, %d threads, screen %d\n", isaName(device.isa), threads, static_cast<int>(device.screen));
  for (auto [features, d] : {std::pair<int64_t, int64_t>{4096, 576}, {65536, 4096}}) {
    if (!mayRun("encode d " + std::to_string(d) + " ")) continue;
    Weights weights(features, d);
    double read = bandwidth(device, weights.w.as<float>(), features * d * 4);
    std::printf("read of %ld MB of weights: %.1f GB/s\n", static_cast<long>(features * d * 4 >> 20),
                read * 1e-9);
    for (int64_t n : {1, 4, 8, 16, 32, 256, 1024}) {
      if (n * features * d > 100e9) continue;
      benchEncode(device, weights, n, read);
    }
  }
}
