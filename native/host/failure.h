// How an error travels inside the library and leaves it: thrown as a Failure, caught by `guarded` alone.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "coxswain/coxswain.h"

namespace coxswain::host {

// A negative cox_status and its one line.
struct Failure {
  int code;
  std::string message;
};

[[noreturn]] void fail(int code, const char* format, ...) __attribute__((format(printf, 2, 3)));

// Keeps `message` as the calling thread's last error, line breaks and what exceeds the buffer aside; returns
// `code`.
int report(int code, const char* message) noexcept;

const char* lastError() noexcept;

// Throws in a child of fork(), which has none of the JVM's threads.
void requireNotForked();

// Makes children of later forks recognisable; called once, with the JVM.
void watchForks();

// Runs the body of an exported function. Whatever it throws becomes a status and the thread's last error.
template <typename Body>
int guarded(Body&& body) noexcept {
  try {
    requireNotForked();
    return body();
  } catch (const Failure& failure) {
    return report(failure.code, failure.message.c_str());
  } catch (const std::bad_alloc&) {
    return report(COX_ERROR_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return report(COX_ERROR_INTERNAL, error.what());
  } catch (...) {
    return report(COX_ERROR_INTERNAL, "an unknown exception");
  }
}

}  // namespace coxswain::host
