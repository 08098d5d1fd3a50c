// Native methods of dev.coxswain.backend.cpu.Native: the library's version and the device.
#include "cpu/device.h"

#include <memory>

#include "jni/guard.h"

using namespace coxswain;
using jni::at;
using jni::guard;

namespace {

/** Counted up whenever a native method's meaning changes; Native.INTERFACE must be equal. */
constexpr jint kInterface = 1;

cpu::Device* open(jint threads, jint isa) {
  cpu::Isa chosen = isa < 0 ? cpu::bestIsa() : static_cast<cpu::Isa>(isa);
  if (!cpu::isaSupported(chosen)) {
    throw std::invalid_argument(std::string("this machine has no ") + cpu::isaName(chosen));
  }
  return new cpu::Device(threads, chosen);
}

}  // namespace

extern "C" {

JNIEXPORT jint JNICALL Java_dev_coxswain_backend_cpu_Native_interfaceVersion(JNIEnv*, jclass) {
  return kInterface;
}

JNIEXPORT jlong JNICALL Java_dev_coxswain_backend_cpu_Native_openDevice(JNIEnv* env, jclass, jint threads,
                                                                        jint isa) {
  return guard(env, [&] { return reinterpret_cast<jlong>(open(threads, isa)); });
}

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_closeDevice(JNIEnv* env, jclass, jlong device) {
  guard(env, [&] { delete at<cpu::Device>(device); });
}

JNIEXPORT jint JNICALL Java_dev_coxswain_backend_cpu_Native_deviceIsa(JNIEnv*, jclass, jlong device) {
  return static_cast<jint>(at<cpu::Device>(device)->isa);
}

JNIEXPORT jboolean JNICALL Java_dev_coxswain_backend_cpu_Native_isaSupported(JNIEnv*, jclass, jint isa) {
  return cpu::isaSupported(static_cast<cpu::Isa>(isa)) ? JNI_TRUE : JNI_FALSE;
}

}  // extern "C"
