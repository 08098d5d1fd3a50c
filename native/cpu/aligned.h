// Scratch memory on cache-line boundaries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace coxswain::cpu {

/** Owns `bytes` uninitialised bytes, 64-byte aligned. Throws std::bad_alloc. */
class AlignedBuffer {
 public:
  explicit AlignedBuffer(size_t bytes) : data_(::operator new(bytes + 64, std::align_val_t{64})) {}
  ~AlignedBuffer() { ::operator delete(data_, std::align_val_t{64}); }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  template <class T>
  T* as(int64_t byteOffset = 0) const {
    return reinterpret_cast<T*>(static_cast<char*>(data_) + byteOffset);
  }

 private:
  void* data_;
};

}  // namespace coxswain::cpu
