// Errors the JNI guard turns into Java's; messages are one line.
#pragma once

#include <stdexcept>

namespace coxswain::cpu {

/** Values in a tensor are wrong: becomes InvalidDataException. */
struct InvalidData : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace coxswain::cpu
