// Handles: small shells that are never freed, so that a closed handle is recognised instead of being a
// dangling pointer.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "failure.h"

namespace coxswain::host {

// One lock for the contents of all shells; never held while anything is called.
std::mutex& handleMutex();

// Keeps a shell reachable for ever.
void keepShell(void* shell);

template <typename Impl>
struct Handle {
  std::shared_ptr<Impl> impl;
};

template <typename Shell, typename Impl>
Shell* newHandle(std::shared_ptr<Impl> impl) {
  auto shell = std::make_unique<Shell>();
  shell->impl = std::move(impl);
  keepShell(shell.get());
  return shell.release();
}

// What an open handle stands for.
template <typename Impl>
std::shared_ptr<Impl> open(const Handle<Impl>* handle, const char* name) {
  if (handle == nullptr) fail(COX_ERROR_ARGUMENT, "the %s is NULL", name);
  std::lock_guard<std::mutex> lock(handleMutex());
  if (!handle->impl) fail(COX_ERROR_STATE, "the %s is closed", name);
  return handle->impl;
}

// Closes a handle: whoever gets the content of an open one is the only one who does.
template <typename Impl>
std::shared_ptr<Impl> take(Handle<Impl>* handle, const char* name) {
  std::lock_guard<std::mutex> lock(handleMutex());
  if (!handle->impl) fail(COX_ERROR_STATE, "the %s is closed", name);
  return std::move(handle->impl);
}

template <typename Target>
void requireTarget(Target** target, const char* name) {
  if (target == nullptr) fail(COX_ERROR_ARGUMENT, "the place for the %s is NULL", name);
  *target = nullptr;
}

}  // namespace coxswain::host
