#include "memory/memory.h"

#include <sys/mman.h>

#include <cstring>
#include <sstream>

namespace softcuda {

Reserved::Reserved(uint64_t bytes) : bytes_(bytes) {
  void* mapped =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED)
    throw std::runtime_error("softcuda: cannot reserve " + std::to_string(bytes >> 30) +
                             " GiB of address space (a limit on virtual memory, ulimit -v, is set)");
  data_ = static_cast<std::byte*>(mapped);
}

Reserved::~Reserved() { munmap(data_, bytes_); }

void Reserved::drop(uint64_t offset, uint64_t bytes) {
  constexpr uint64_t page = 4096;
  uint64_t first = (offset + page - 1) / page * page, last = (offset + bytes) / page * page;
  if (first < last) madvise(data_ + first, last - first, MADV_DONTNEED);
}

Memory::State::State(uint64_t limit) : capacity(limit) {}

Memory::Memory(uint64_t capacity) : state_(std::make_unique<State>(capacity)) {}
Memory::~Memory() = default;

uint64_t Memory::allocate(uint64_t bytes, Space space, std::string label) {
  State& s = *state_;
  std::lock_guard<std::mutex> lock(s.mutex);
  bool counts = space == Space::device || space == Space::managed;
  if (bytes == 0 || (counts && (bytes > s.capacity || s.used > s.capacity - bytes))) return 0;
  // A gap of at least 256 bytes behind each allocation catches what runs over its end.
  uint64_t room = (bytes + 511) / 256 * 256;
  if (room > State::kRange - s.next) return 0;
  uint64_t base = s.base() + s.next;
  s.next += room;
  if (counts) s.used += bytes;
  std::memset(reinterpret_cast<void*>(base), 0xCD, bytes);
  s.table[base] = Allocation{base, bytes, space, ++s.serial, std::move(label), false};
  ++s.generation;
  return base;
}

void Memory::adopt(uint64_t hostAddress, uint64_t bytes, std::string label) {
  State& s = *state_;
  std::lock_guard<std::mutex> lock(s.mutex);
  s.table[hostAddress] =
      Allocation{hostAddress, bytes, Space::registeredHost, ++s.serial, std::move(label), false};
  ++s.generation;
}

bool Memory::release(uint64_t base) {
  State& s = *state_;
  std::lock_guard<std::mutex> lock(s.mutex);
  auto found = s.table.find(base);
  if (found == s.table.end() || found->second.freed) return false;
  Allocation& allocation = found->second;
  ++s.generation;
  if (allocation.space == Space::registeredHost) {
    s.table.erase(found);
    return true;
  }
  allocation.freed = true;
  if (allocation.space == Space::device || allocation.space == Space::managed) s.used -= allocation.bytes;
  uint64_t offset = base - s.base();
  s.range.drop(offset, allocation.bytes);
  s.written.drop(offset, allocation.bytes);
  s.loadStamps.drop(offset / 8, allocation.bytes / 8);
  s.storeStamps.drop(offset / 8, allocation.bytes / 8);
  s.races.drop(offset * 4, allocation.bytes * 4);
  return true;
}

bool Memory::find(uint64_t address, Allocation* found) const {
  const State& s = *state_;
  std::lock_guard<std::mutex> lock(s.mutex);
  auto after = s.table.upper_bound(address);
  if (after == s.table.begin()) return false;
  const Allocation& candidate = std::prev(after)->second;
  if (address - candidate.base >= candidate.bytes) return false;
  if (found != nullptr) *found = candidate;
  return true;
}

bool Memory::State::holds(uint64_t address, uint64_t bytes, uint64_t* first, uint64_t* end) const {
  std::lock_guard<std::mutex> lock(mutex);
  auto after = table.upper_bound(address);
  if (after == table.begin()) return false;
  const Allocation& candidate = std::prev(after)->second;
  uint64_t offset = address - candidate.base;
  if (candidate.freed || offset >= candidate.bytes || candidate.bytes - offset < bytes) return false;
  *first = candidate.base;
  *end = candidate.base + candidate.bytes;
  return true;
}

namespace {

std::string named(const Memory::Allocation& allocation) {
  std::ostringstream text;
  text << allocation.label << " (" << allocation.bytes << " bytes at 0x" << std::hex << allocation.base
       << ")";
  return text.str();
}

}  // namespace

std::string Memory::State::explain(uint64_t address, uint64_t bytes) const {
  std::lock_guard<std::mutex> lock(mutex);
  if (address == 0) return "a null pointer";
  auto after = table.upper_bound(address);
  const Allocation* below = after == table.begin() ? nullptr : &std::prev(after)->second;
  const Allocation* above = after == table.end() ? nullptr : &after->second;
  if (below != nullptr && address - below->base < below->bytes) {
    if (below->freed)
      return "in freed memory: " + std::to_string(address - below->base) + " bytes into " + named(*below);
    return std::to_string(address - below->base + bytes - below->bytes) + " bytes over the end of " +
           named(*below);
  }
  uint64_t behind = below == nullptr ? ~0ull : address - (below->base + below->bytes);
  uint64_t ahead = above == nullptr ? ~0ull : above->base - address;
  if (behind == ~0ull && ahead == ~0ull) return "no device memory is allocated";
  constexpr uint64_t far = 1ull << 32;
  if (std::min(behind, ahead) > far) return "nowhere near an allocation (a host pointer?)";
  if (behind <= ahead)
    return std::to_string(behind) + " bytes behind the end of " + named(*below) +
           (below->freed ? ", freed" : "");
  return std::to_string(ahead) + " bytes before " + named(*above) + (above->freed ? ", freed" : "");
}

bool Memory::valid(uint64_t address, uint64_t bytes, std::string* why) const {
  uint64_t first, end;
  if (state_->holds(address, bytes, &first, &end)) return true;
  if (why != nullptr) *why = state_->explain(address, bytes);
  return false;
}

void Memory::markInitialized(uint64_t address, uint64_t bytes) {
  if (state_->inside(address)) std::memset(state_->writtenAt(address), 1, bytes);
}

bool Memory::initialized(uint64_t address, uint64_t bytes, uint64_t* firstBad) const {
  if (!state_->inside(address)) return true;
  const void* bad = std::memchr(state_->writtenAt(address), 0, bytes);
  if (bad == nullptr) return true;
  if (firstBad != nullptr)
    *firstBad =
        address + static_cast<uint64_t>(static_cast<const uint8_t*>(bad) - state_->writtenAt(address));
  return false;
}

uint64_t Memory::used() const {
  std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->used;
}

}  // namespace softcuda
