// Loading a module image into a context.
#pragma once

#include <memory>
#include <string>

#include "call.h"

namespace softcuda {

// The JIT options that matter here: where the logs go.
class JitLog {
 public:
  JitLog(unsigned count, const int* options, void** values);
  void error(const std::string& text);  // fills the caller's buffer, cut to its size

 private:
  char* buffer_ = nullptr;
  size_t size_ = 0;
  void** writtenSize_ = nullptr;
};

// Null with *error set; the reason is in the log and on stderr.
std::shared_ptr<LoadedModule> loadModule(Call&, const char* function, const void* image, JitLog&,
                                         CUresult* error);
CUresult findFunction(Call&, const std::shared_ptr<LoadedModule>&, const char* name, CUfunction* out);
void unloadModule(Call&, const std::shared_ptr<LoadedModule>&);

}  // namespace softcuda
