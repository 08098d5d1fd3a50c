// The one error of this program: a single line meant for a user, and whose fault it is.
#pragma once

#include <stdexcept>
#include <string>

namespace coxllama {

enum class Fault {
  kUsage,   // the request cannot mean anything
  kData,    // a model, plan or text is wrong
  kFile,    // reading or writing failed
  kDevice,  // the engine or llama.cpp failed while it worked
};

class Failure : public std::runtime_error {
 public:
  Failure(Fault fault, const std::string& message) : std::runtime_error(message), fault_(fault) {}

  Fault fault() const { return fault_; }

 private:
  Fault fault_;
};

}  // namespace coxllama
