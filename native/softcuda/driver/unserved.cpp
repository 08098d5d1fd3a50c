#include "unserved.h"

#include <mutex>
#include <set>
#include <string>

#include "records.h"

namespace softcuda {

CUresult unserved(const char* name) {
  static std::mutex& mutex = *new std::mutex;
  static std::set<std::string>& said = *new std::set<std::string>;
  const std::lock_guard<std::mutex> hold(mutex);
  if (said.insert(name).second) say(std::string(name) + " is not served");
  return CUDA_ERROR_NOT_SUPPORTED;
}

}  // namespace softcuda
