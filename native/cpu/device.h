// What every operation runs on: an instruction set and the threads.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "cpu/isa.h"
#include "cpu/thread_pool.h"

namespace coxswain::cpu {

struct TrainScratch;

/** Which screen batches go through (screen.h); the results are the same. */
enum class ScreenKind { kNone, kFloat32, kBfloat16 };

/** The fastest that the machine has for that instruction set. */
ScreenKind bestScreen(Isa isa);

/** Chosen once when a backend opens; shared by concurrent calls. */
struct Device {
  Isa isa;
  ScreenKind screen;
  ThreadPool pool;

  Device(int threads, Isa chosen) : isa(chosen), screen(bestScreen(chosen)), pool(threads) {}

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
