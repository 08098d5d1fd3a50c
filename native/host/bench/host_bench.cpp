// Latency of one steered row through the C API: what a host waits for at a steered layer of each generated
// token.
//
//   COX_JAR="build/app/coxswain.jar:build/app/lib/*" build/release/native/host/bench/host_bench [CALLS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "../test/inputs.h"

namespace coxswain::host::test {
namespace {

using Clock = std::chrono::steady_clock;

std::string amplifyPlan(int features) {
  std::string list;
  for (int f = 0; f < features; ++f) list += (f == 0 ? "" : ",") + std::to_string(f);
  return R"({"rules":[{"op":"amplify","features":[)" + list + R"(],"alpha":0.01}]})";
}

int64_t timed(coxswain::Lane& lane, const cox_block& block) {
  Clock::time_point start = Clock::now();
  lane.layer(block);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

void measure(const coxswain::Engine& engine, const coxswain::Sae& sae, int width, int features, int calls) {
  coxswain::Plan plan(engine, sae, kLayer, amplifyPlan(features));
  coxswain::Lane lane(engine);
  const std::vector<float> x = randomRows(1, width, 1);
  std::vector<float> y = x;
  cox_block one = block(y.data(), 1, width);
  std::vector<int64_t> ns;
  for (int call = -20000; call < calls; ++call) {
    y = x;
    lane.begin({row(1, plan.get(), 5)});
    int64_t taken = timed(lane, one);
    lane.end();
    if (call >= 0) ns.push_back(taken);
  }
  std::sort(ns.begin(), ns.end());
  auto at = [&](double share) {
    return static_cast<double>(ns[static_cast<size_t>(share * static_cast<double>(ns.size() - 1))]) / 1e3;
  };
  // R and S are read once each.
  double bytes = 2.0 * features * width * sizeof(float);
  std::printf("%5d %4d %9.2f %9.2f %9.2f %9.2f %8.1f\n", width, features, at(0.5), at(0.99), at(0.999), at(1),
              bytes / (at(0.5) * 1e3));
}

void measureWidth(const coxswain::Engine& engine, int width, int calls) {
  std::filesystem::path folder = scratch() / std::to_string(width);
  writeSae(folder, width, 64, 1);
  coxswain::Sae sae(engine, folder.string());
  for (int features : {4, 16, 64}) measure(engine, sae, width, features, calls);
}

}  // namespace
}  // namespace coxswain::host::test

int main(int argc, char** argv) {
  int calls = argc > 1 ? std::atoi(argv[1]) : 100000;
  coxswain::Engine engine;
  std::printf("cox_layer, one row, amplify m features, microseconds\n");
  std::printf("    d    m       p50       p99     p99.9       max     GB/s\n");
  for (int width : {576, 4096}) coxswain::host::test::measureWidth(engine, width, calls);
  return 0;
}
