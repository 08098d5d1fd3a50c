// The one place where C++ exceptions become Java's. Every native method is one statement inside guard().
#pragma once

#include <jni.h>

#include <new>
#include <stdexcept>
#include <type_traits>

#include "cpu/errors.h"

namespace coxswain::jni {

void throwJava(JNIEnv* env, const char* className, const char* message);

/** Runs body; where it throws, leaves a pending Java exception and returns a zero value. */
template <class Body>
auto guard(JNIEnv* env, const Body& body) -> decltype(body()) {
  using Result = decltype(body());
  try {
    return body();
  } catch (const std::bad_alloc&) {
    throwJava(env, "java/lang/OutOfMemoryError", "native memory is exhausted");
  } catch (const cpu::InvalidData& e) {
    throwJava(env, "dev/coxswain/error/InvalidDataException", e.what());
  } catch (const std::invalid_argument& e) {
    throwJava(env, "java/lang/IllegalArgumentException", e.what());
  } catch (const std::exception& e) {
    throwJava(env, "dev/coxswain/error/DeviceException", e.what());
  } catch (...) {
    throwJava(env, "dev/coxswain/error/DeviceException", "unknown native error");
  }
  if constexpr (!std::is_void_v<Result>) return Result{};
}

/** A Java long that is an address. */
template <class T>
T* at(jlong address) {
  return reinterpret_cast<T*>(address);
}

}  // namespace coxswain::jni
