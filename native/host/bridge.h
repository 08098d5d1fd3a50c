// The calls into dev.coxswain.host.HostBridge. What goes over is raw memory: a call's arguments are an array
// of 64-bit words, strings as (address, bytes), and the first word the address of an ErrorBuffer that Java
// fills on failure.
#pragma once

#include <jni.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "failure.h"

namespace coxswain::host {

// Must match dev.coxswain.host.HostBridge.VERSION: both sides' idea of words and fields.
constexpr jint kBridgeVersion = 2;

struct ErrorBuffer {
  int32_t code;  // cox_status
  int32_t bytes;
  char text[1016];  // UTF-8, no NUL
};

class Arguments {
 public:
  Arguments() { word(reinterpret_cast<int64_t>(&error_)); }

  Arguments& word(int64_t value) {
    words_.at(count_++) = value;
    return *this;
  }
  Arguments& address(const void* value) { return word(reinterpret_cast<int64_t>(value)); }
  // NULL stays apart from "".
  Arguments& text(const char* value) { return text(value, value == nullptr ? 0 : std::strlen(value)); }
  Arguments& text(const char* value, size_t bytes) {
    return address(value).word(static_cast<int64_t>(bytes));
  }

  int64_t result(size_t index) const { return words_.at(index); }
  jlong block() const { return reinterpret_cast<jlong>(words_.data()); }
  const ErrorBuffer& error() const { return error_; }

 private:
  mutable std::array<int64_t, 24> words_{};  // Java fills some in
  size_t count_ = 0;
  mutable ErrorBuffer error_{};
};

// An object of the Java side, closed there when this dies.
class JavaObject {
 public:
  JavaObject(JNIEnv* env, jobject local);
  ~JavaObject();
  JavaObject(const JavaObject&) = delete;
  JavaObject& operator=(const JavaObject&) = delete;
  jobject get() const { return global_; }

 private:
  jobject global_;
};

// HostBridge and its entry points.
struct Bridge {
  jclass type;
  jmethodID openEngine, loadSae, compilePlan, openLane, openObserver, openHarvest;  // -> object
  jmethodID layer, statistics, observe, append, finishHarvest, writeVocabulary, hash, close;

  // Finds the class; the first call does the work. Throws COX_ERROR_JVM where the JVM has no such class.
  static const Bridge& get();

  // Entry points that open something: (Object, Object, long) -> Object.
  std::unique_ptr<JavaObject> open(jmethodID method, const JavaObject* first, const JavaObject* second,
                                   const Arguments& arguments) const;
  // Entry points that do something: (Object, long) -> int.
  void run(jmethodID method, const JavaObject& object, const Arguments& arguments) const;
};

// Throws what a Java call left behind: a pending exception, or the text in its error buffer.
void requireDone(JNIEnv* env, int code, const ErrorBuffer& error);

}  // namespace coxswain::host
