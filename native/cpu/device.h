// What every operation runs on: an instruction set and the threads.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "cpu/isa.h"
#include "cpu/thread_pool.h"

namespace coxswain::cpu {

struct TrainScratch;

/** Chosen once when a backend opens; shared by concurrent calls. */
struct Device {
  Isa isa;
  ThreadPool pool;

  Device(int threads, Isa chosen) : isa(chosen), pool(threads) {}

  /** The memory that the last training step left for the next, or null: there was none, or another has it. */
  std::shared_ptr<TrainScratch> takeTrainScratch() {
    std::lock_guard<std::mutex> lock(scratchMutex_);
    return std::exchange(trainScratch_, nullptr);
  }

  void keepTrainScratch(std::shared_ptr<TrainScratch> scratch) {
    std::lock_guard<std::mutex> lock(scratchMutex_);
    trainScratch_ = std::move(scratch);
  }

 private:
  std::mutex scratchMutex_;
  std::shared_ptr<TrainScratch> trainScratch_;
};

}  // namespace coxswain::cpu
