#include "jni/guard.h"

namespace coxswain::jni {

void throwJava(JNIEnv* env, const char* className, const char* message) {
  jclass type = env->FindClass(className);
  if (type != nullptr) env->ThrowNew(type, message);
}

}  // namespace coxswain::jni
