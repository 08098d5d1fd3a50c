#include "failure.h"

#include <pthread.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace coxswain::host {
namespace {

constexpr size_t kLine = 1024;
thread_local char lastLine[kLine] = "";
std::atomic<bool> forked{false};

// Cuts at the last whole UTF-8 character that fits.
size_t wholeCharacters(const char* text, size_t bytes) {
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return bytes;
}

}  // namespace

void fail(int code, const char* format, ...) {
  char line[kLine];
  va_list values;
  va_start(values, format);
  std::vsnprintf(line, sizeof line, format, values);
  va_end(values);
  throw Failure{code, line};
}

int report(int code, const char* message) noexcept {
  size_t bytes = std::strlen(message);
  if (bytes >= kLine) bytes = wholeCharacters(message, kLine - 1);
  for (size_t i = 0; i < bytes; ++i) {
    lastLine[i] = message[i] == '\n' || message[i] == '\r' ? ' ' : message[i];
  }
  lastLine[bytes] = '\0';
  return code;
}

const char* lastError() noexcept { return lastLine; }

void requireNotForked() {
  if (forked.load(std::memory_order_relaxed)) {
    fail(COX_ERROR_FORKED,
         "this process is a fork of the one whose JVM Coxswain uses; open the engine after fork()");
  }
}

void watchForks() {
  pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });
}

}  // namespace coxswain::host
