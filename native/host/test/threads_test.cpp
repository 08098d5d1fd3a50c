// Several lanes at once, and plans that are swapped while they work.
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "host_fixture.h"

namespace coxswain::host::test {
namespace {

using Clock = std::chrono::steady_clock;

class ThreadsTest : public HostTest {};

bool sameBits(const std::vector<float>& a, const float* b) {
  return std::memcmp(a.data(), b, a.size() * sizeof(float)) == 0;
}

TEST_F(ThreadsTest, ShouldSteerInParallelLanes) {
  std::atomic<int> wrong{0};
  auto work = [&](int feature) {
    coxswain::Plan plan = add(feature, 2);
    coxswain::Lane lane(engine());
    for (int pass = 0; pass < 400; ++pass) {
      std::vector<float> x = randomRows(3, kWidth, seed() + static_cast<uint64_t>(feature * 1000 + pass));
      std::vector<float> y = x;
      lane.begin({row(1, plan.get(), 1), row(2, plan.get(), 1), row(3, plan.get(), 1)});
      lane.layer(block(y.data(), 3));
      lane.end();
      if (!sameBits(added(x, weights(), feature, 2), y.data())) ++wrong;
    }
    EXPECT_EQ(1200u, lane.describe().steered);
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) threads.emplace_back(work, 10 + t);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(0, wrong.load());
}

// What lanes read and the swapper writes; the swapper releases what it replaces at once.
std::atomic<cox_plan*> current{nullptr};

// Begins a pass with the plan that is current, as the header tells hosts to.
void beginWithCurrent(cox_lane* lane, std::vector<cox_row>& rows, std::atomic<int>& retries) {
  for (;;) {
    cox_plan* plan = current.load();
    for (cox_row& each : rows) each.plan = plan;
    int status = cox_begin(lane, rows.data(), rows.size());
    if (status != COX_ERROR_RELEASED) {
      coxswain::check(status);
      return;
    }
    ++retries;
  }
}

constexpr int kSwaps = 500;

TEST_F(ThreadsTest, ShouldSteerEveryRowByExactlyOnePlanWhilePlansAreSwapped) {
  auto compile = [&](int which) {
    auto options = coxswain::sized<cox_plan_options>();
    std::string json = which == 0 ? addPlan(20, 2) : addPlan(21, 4);
    options.json = json.c_str();
    options.sae = sae().get();
    options.layer = kLayer;
    cox_plan* plan = nullptr;
    coxswain::check(cox_plan_compile(engine().get(), &options, &plan));
    return plan;
  };
  current = compile(0);
  std::atomic<bool> stop{false};
  std::atomic<int> swaps{0}, retries{0}, mixed{0}, first{0}, second{0};
  std::thread swapper([&] {
    for (int which = 1; !stop; which = 1 - which) {
      coxswain::check(cox_plan_release(current.exchange(compile(which))));
      ++swaps;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  auto work = [&](uint64_t lane) {
    coxswain::Lane own(engine());
    std::vector<cox_row> rows;
    for (int i = 0; i < 5; ++i) rows.push_back(row(lane, nullptr, 1 + i));
    std::vector<float> x = randomRows(5, kWidth, seed() + lane);
    std::vector<float> asFirst = added(x, weights(), 20, 2);
    std::vector<float> asSecond = added(x, weights(), 21, 4);
    std::vector<float> y;
    Clock::time_point deadline = Clock::now() + std::chrono::seconds(60);
    while (swaps < kSwaps && Clock::now() < deadline) {
      y = x;
      beginWithCurrent(own.get(), rows, retries);
      own.layer(block(y.data(), 5));
      own.end();
      bool byFirst = sameBits(asFirst, y.data());
      bool bySecond = sameBits(asSecond, y.data());
      ++(byFirst ? first : bySecond ? second : mixed);
    }
  };
  std::thread other(work, 1);
  work(2);
  other.join();
  stop = true;
  swapper.join();
  coxswain::check(cox_plan_release(current));
  EXPECT_EQ(0, mixed.load());
  EXPECT_GT(first.load(), 0);
  EXPECT_GT(second.load(), 0);
  EXPECT_GE(swaps.load(), kSwaps);
  std::printf("%d passes under %d swaps, %d began again\n", first + second, swaps.load(), retries.load());
}

}  // namespace
}  // namespace coxswain::host::test
