// Handles that callers hold: numbers, never given twice and checked at every use, so that a stale, foreign or
// mistyped handle is CUDA_ERROR_INVALID_HANDLE where a real driver may crash.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace softcuda {

// One sequence for every type: a handle of another type is never found.
inline uintptr_t nextHandle() {
  static uintptr_t last = 0x5c000000;
  return last += 16;
}

// Handles of one type for objects T. Not thread-safe: the driver's lock is held.
template <class Handle, class T>
class Handles {
 public:
  Handle add(std::shared_ptr<T> object) {
    const uintptr_t number = nextHandle();
    objects_.emplace(number, std::move(object));
    return reinterpret_cast<Handle>(number);
  }
  std::shared_ptr<T> find(Handle handle) const {
    const auto at = objects_.find(reinterpret_cast<uintptr_t>(handle));
    return at == objects_.end() ? nullptr : at->second;
  }
  std::shared_ptr<T> remove(Handle handle) {
    const auto at = objects_.find(reinterpret_cast<uintptr_t>(handle));
    if (at == objects_.end()) return nullptr;
    std::shared_ptr<T> object = std::move(at->second);
    objects_.erase(at);
    return object;
  }
  template <class Predicate>
  std::vector<std::shared_ptr<T>> removeIf(Predicate&& matches) {
    std::vector<std::shared_ptr<T>> removed;
    for (auto at = objects_.begin(); at != objects_.end();) {
      if (!matches(*at->second)) {
        ++at;
        continue;
      }
      removed.push_back(std::move(at->second));
      at = objects_.erase(at);
    }
    return removed;
  }
  template <class Visit>
  void each(Visit&& visit) const {
    for (const auto& [number, object] : objects_) visit(*object);
  }
  void clear() { objects_.clear(); }

 private:
  std::unordered_map<uintptr_t, std::shared_ptr<T>> objects_;
};

}  // namespace softcuda
