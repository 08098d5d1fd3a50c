// A launch: CTAs over host threads. Those that wait for others are set aside and others begin, in order of
// their index, as many as the device holds at once.
#include <algorithm>
#include <thread>

#include "execute/launch.h"

namespace softcuda {
namespace {

constexpr uint64_t kSlice = 50'000;        // warp instructions a CTA runs before others have a turn
constexpr uint64_t kThreadFloor = 10'000;  // fewer are not worth a second host thread

class Grid {
 public:
  explicit Grid(Launch& launch) : launch_(launch) {
    const DeviceLimits& limits = launch.limits;
    uint64_t perSm =
        std::min<uint64_t>(limits.ctasPerSm, limits.threadsPerSm / std::max(launch.threadsPerCta, 1u));
    if (launch.sharedBytes != 0) perSm = std::min<uint64_t>(perSm, limits.sharedPerSm / launch.sharedBytes);
    resident_ = std::max<uint64_t>(perSm, 1) * static_cast<uint64_t>(limits.multiprocessors);
    std::mt19937_64 random(launch.options.seed);
    // Within a window the order is free; windows follow one another, as a device starts CTAs.
    window_ = std::min<uint64_t>(std::max<uint64_t>(resident_ / 4, 1), 64);
    seed_ = random();
  }

  uint64_t resident() const { return resident_; }

  void work(Worker& worker) {
    while (!launch_.stop) {
      std::unique_ptr<Cta> cta = next(worker);
      if (cta == nullptr) return;
      try {
        uint64_t before = cta->progress;
        bool finished = runCta(*cta, worker, kSlice) == Slice::finished;
        giveBack(std::move(cta), finished, before);
      } catch (const LaunchFault& fault) {
        launch_.fail(fault.fault, fault.message);
        std::lock_guard<std::mutex> lock(mutex_);
        --running_;
      }
    }
  }

 private:
  std::unique_ptr<Cta> next(Worker& worker) {
    for (;;) {
      {
        std::lock_guard<std::mutex> lock(mutex_);
        bool more = started_ < launch_.ctaCount;
        if (!more && waiting_.empty() && running_ == 0) return nullptr;
        // A CTA that seems to wait for others makes room for a new one.
        bool room = waiting_.size() + running_ < std::min(resident_, allowed_ + stuck_);
        if (more && (waiting_.empty() || room)) {
          ++running_;
          return makeCta(launch_, worker, pick());
        }
        if (!waiting_.empty()) {
          std::unique_ptr<Cta> cta = std::move(waiting_.front());
          waiting_.pop_front();
          ++running_;
          return cta;
        }
      }
      if (launch_.stop) return nullptr;
      std::this_thread::yield();
    }
  }

  void giveBack(std::unique_ptr<Cta> cta, bool finished, uint64_t before) {
    std::lock_guard<std::mutex> lock(mutex_);
    --running_;
    if (finished) {
      stuck_ = 0;
      return;
    }
    if (cta->progress == before) ++stuck_;
    waiting_.push_back(std::move(cta));
  }

  uint64_t pick() {
    uint64_t first = started_ / window_ * window_;
    if (started_ == first) {
      order_.clear();
      for (uint64_t i = first; i < std::min(first + window_, launch_.ctaCount); ++i) order_.push_back(i);
      std::mt19937_64 random(seed_ + first);
      std::shuffle(order_.begin(), order_.end(), random);
    }
    return order_[started_++ - first];
  }

  Launch& launch_;
  std::mutex mutex_;
  std::deque<std::unique_ptr<Cta>> waiting_;
  std::vector<uint64_t> order_;
  uint64_t resident_ = 1, window_ = 1, seed_ = 0, started_ = 0, running_ = 0, allowed_ = 4, stuck_ = 0;
};

}  // namespace

void runGrid(Launch& launch, std::vector<std::unique_ptr<Worker>>& workers) {
  Grid grid(launch);
  if (launch.shape.cooperative && launch.ctaCount > grid.resident()) {
    launch.fail(Fault::invalidLaunch, "a cooperative launch of " + std::to_string(launch.ctaCount) +
                                          " CTAs, the device holds " + std::to_string(grid.resident()));
    return;
  }
  std::vector<std::thread> threads;
  for (size_t i = 1; i < workers.size(); ++i) threads.emplace_back([&, i] { grid.work(*workers[i]); });
  grid.work(*workers[0]);
  for (std::thread& each : threads) each.join();
}

}  // namespace softcuda
