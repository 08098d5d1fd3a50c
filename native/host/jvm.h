// The one JVM of the process: found, or started; never destroyed.
#pragma once

#include <jni.h>

#include <string>
#include <vector>

namespace coxswain::host {

struct JvmOptions {
  const char* classPath;           // may be NULL
  const char* javaHome;            // may be NULL
  std::vector<std::string> extra;  // appended to the library's own
};

// Joins the process's JVM, or starts one as asked. Later calls do nothing. Throws COX_ERROR_JVM.
void requireJvm(const JvmOptions& options);

// True if the JVM was here before us, so that its class path is somebody else's.
bool joinedJvm();

// The calling thread's environment. Attaches the thread as a daemon the first time, until it ends.
JNIEnv* attachedEnv();

}  // namespace coxswain::host
