// Size-versioned structs: what a caller compiled against another version of the header may hand over.
#pragma once

#include <algorithm>
#include <cstring>

#include "failure.h"

namespace coxswain::host {

// No struct of the API comes near it; a `size` beyond it is garbage that must not be read through.
constexpr size_t kLargestStruct = 4096;

template <typename Struct>
void requireSize(const Struct* given, const char* name) {
  if (given == nullptr) fail(COX_ERROR_ARGUMENT, "%s is NULL", name);
  if (given->size < sizeof(Struct) || given->size > kLargestStruct) {
    fail(COX_ERROR_SIZE, "%s.size is %zu; set it to sizeof(%s), %zu in this version", name, given->size, name,
         sizeof(Struct));
  }
}

// The part of an incoming struct that this version knows. What a newer caller's struct has beyond must be
// unset.
template <typename Struct>
Struct incoming(const Struct* given, const char* name) {
  requireSize(given, name);
  const char* bytes = reinterpret_cast<const char*>(given);
  if (std::any_of(bytes + sizeof(Struct), bytes + given->size, [](char byte) { return byte != 0; })) {
    fail(COX_ERROR_SIZE, "%s sets fields that version %s does not know", name, cox_version());
  }
  Struct known;
  std::memcpy(&known, given, sizeof known);
  return known;
}

// Fills an outgoing struct, and zeroes what a newer caller's has beyond.
template <typename Struct>
void outgoing(Struct* target, Struct value, const char* name) {
  requireSize(target, name);
  value.size = target->size;
  std::memset(reinterpret_cast<char*>(target) + sizeof(Struct), 0, target->size - sizeof(Struct));
  std::memcpy(target, &value, sizeof value);
}

}  // namespace coxswain::host
