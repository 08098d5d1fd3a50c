// What every operation runs on: an instruction set and the threads.
#pragma once

#include "cpu/isa.h"
#include "cpu/thread_pool.h"

namespace coxswain::cpu {

/** Chosen once when a backend opens; shared by concurrent calls. */
struct Device {
  Isa isa;
  ThreadPool pool;

  Device(int threads, Isa chosen) : isa(chosen), pool(threads) {}
};

}  // namespace coxswain::cpu
