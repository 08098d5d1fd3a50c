// cox-machine THREADS BYTES...: what this machine allows, measured now and printed as one JSON object: the
// peak of float32 fused multiply-adds, and how fast working sets of the given sizes are read, with THREADS
// threads.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Vector8 = float __attribute__((vector_size(32)));
using Vector16 = float __attribute__((vector_size(64)));

constexpr int kRepeats = 3;
constexpr double kSeconds = 0.12;  // a repeat lasts at least this long
constexpr long kRounds = 1 << 20;  // rounds of fused multiply-adds between two looks at the clock
constexpr int kAccumulators = 12;  // independent: latency × units of a core, and they fit 16 registers

volatile float sink;

template <class Vector>
__attribute__((always_inline)) inline float multiply_add() {
  Vector sums[kAccumulators] = {};
  for (int i = 0; i < kAccumulators; i++) sums[i] += sink + static_cast<float>(i);  // all different, unknown
  Vector factor = {}, term = {};
  factor += 0.999F;
  term += 0.001F;
  for (long round = 0; round < kRounds; round++) {
    for (auto& sum : sums) sum = sum * factor + term;
  }
  Vector total = {};
  for (auto& sum : sums) total += sum;
  return total[0];
}

template <class Vector>
__attribute__((always_inline)) inline float read_all(const float* data,  // [count], aligned to 64 bytes
                                                     size_t count) {
  constexpr size_t kLanes = sizeof(Vector) / sizeof(float);
  Vector sums[4] = {};
  for (size_t i = 0; i + 4 * kLanes <= count; i += 4 * kLanes) {
    for (size_t j = 0; j < 4; j++) sums[j] += *reinterpret_cast<const Vector*>(data + i + j * kLanes);
  }
  Vector total = sums[0] + sums[1] + sums[2] + sums[3];
  return total[0];
}

struct Kernels {
  const char* isa;
  long lanes;
  float (*multiply_add)();
  float (*read_all)(const float*, size_t);
};

#if defined(__x86_64__)
__attribute__((target("avx512f,fma"))) float multiply_add_avx512() { return multiply_add<Vector16>(); }
__attribute__((target("avx512f,fma"))) float read_avx512(const float* p, size_t n) {
  return read_all<Vector16>(p, n);
}
__attribute__((target("avx2,fma"))) float multiply_add_avx2() { return multiply_add<Vector8>(); }
__attribute__((target("avx2,fma"))) float read_avx2(const float* p, size_t n) {
  return read_all<Vector8>(p, n);
}
#endif
float multiply_add_portable() { return multiply_add<Vector8>(); }
float read_portable(const float* p, size_t n) { return read_all<Vector8>(p, n); }

Kernels pick() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {"avx512", 16, multiply_add_avx512, read_avx512};
  if (__builtin_cpu_supports("avx2")) return {"avx2", 8, multiply_add_avx2, read_avx2};
#endif
  return {"portable", 8, multiply_add_portable, read_portable};
}

// Best rate of several repeats of `pass` on all threads together; a pass does `amount` a thread.
double best_rate(int threads, double amount, const std::function<void(int)>& pass) {
  double best = 0;
  for (int repeat = 0; repeat < kRepeats; repeat++) {
    std::vector<double> rates(threads);
    std::vector<std::thread> workers;
    for (int thread = 0; thread < threads; thread++) {
      workers.emplace_back([&, thread] {
        pass(thread);
        const auto start = Clock::now();
        double done = 0, seconds = 0;
        do {
          pass(thread);
          done += amount;
          seconds = std::chrono::duration<double>(Clock::now() - start).count();
        } while (seconds < kSeconds);
        rates[thread] = done / seconds;
      });
    }
    double sum = 0;
    for (int thread = 0; thread < threads; thread++) {
      workers[thread].join();
      sum += rates[thread];
    }
    best = std::max(best, sum);
  }
  return best;
}

double read_rate(const Kernels& kernels, int threads, size_t bytes) {
  const size_t part = std::max<size_t>(bytes / threads / 4096 * 4096, 4096);
  std::unique_ptr<float, void (*)(void*)> data(static_cast<float*>(std::aligned_alloc(4096, part * threads)),
                                               std::free);
  if (!data) {
    std::fprintf(stderr, "cox-machine: no memory for %zu bytes\n", part * threads);
    std::exit(1);
  }
  std::fill_n(data.get(), part * threads / sizeof(float), 1.0F);
  return best_rate(threads, static_cast<double>(part), [&](int thread) {
    sink = kernels.read_all(data.get() + part / sizeof(float) * thread, part / sizeof(float));
  });
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : 0;
  if (threads < 1) {
    std::fprintf(stderr, "usage: cox-machine THREADS BYTES...\n");
    return 2;
  }
  const Kernels kernels = pick();
  const double flops = 2.0 * kRounds * kAccumulators * static_cast<double>(kernels.lanes);
  std::printf("{\"isa\":\"%s\",\"threads\":%d,\"flops_per_s\":%.4g,\"read\":[", kernels.isa, threads,
              best_rate(threads, flops, [&](int) { sink = kernels.multiply_add(); }));
  for (int i = 2; i < count; i++) {
    const auto bytes = static_cast<size_t>(std::strtoull(arguments[i], nullptr, 10));
    std::printf("%s{\"bytes\":%zu,\"bytes_per_s\":%.4g}", i == 2 ? "" : ",", bytes,
                read_rate(kernels, threads, bytes));
  }
  std::printf("]}\n");
  return 0;
}
