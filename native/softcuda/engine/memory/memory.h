// Device memory behind the engine's Memory: one reserved range of addresses, the table of allocations and
// shadows that run in parallel with the range.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "engine.h"

namespace softcuda {

// A range of virtual memory that costs nothing until it is touched.
class Reserved {
 public:
  explicit Reserved(uint64_t bytes);
  ~Reserved();
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;
  std::byte* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }
  void drop(uint64_t offset, uint64_t bytes);  // gives the pages back; they read as 0 again

 private:
  std::byte* data_ = nullptr;
  uint64_t bytes_ = 0;
};

struct Memory::State {
  explicit State(uint64_t capacity);

  static constexpr uint64_t kRange = 1ull << 39;

  mutable std::mutex mutex;
  Reserved range{kRange};
  Reserved written{kRange};         // 1 for each byte that something has written
  Reserved loadStamps{kRange / 8};  // serial of the last launch that read a 32-byte sector, 4 bytes each
  Reserved storeStamps{kRange / 8};
  Reserved races{kRange * 4};  // the last write and the last read of each 4-byte word, 8 bytes each
  uint64_t capacity = 0, used = 0, serial = 0, next = 0;
  std::map<uint64_t, Allocation> table;  // by base; freed ones stay, their addresses never come back
  std::atomic<uint64_t> generation{0};   // of the table, for caches of it
  std::atomic<uint32_t> launches{0};

  uint64_t base() const { return reinterpret_cast<uint64_t>(range.data()); }
  bool inside(uint64_t address) const { return address - base() < kRange; }
  uint8_t* writtenAt(uint64_t address) const {
    return reinterpret_cast<uint8_t*>(written.data()) + (address - base());
  }
  // The live allocation that holds the whole of [address, address + bytes); locks.
  bool holds(uint64_t address, uint64_t bytes, uint64_t* first, uint64_t* end) const;
  std::string explain(uint64_t address, uint64_t bytes) const;  // why holds() fails
};

}  // namespace softcuda
