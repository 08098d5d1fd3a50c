// Native methods of dev.coxswain.backend.cpu.Native: steering plans.
#include "cpu/steer.h"

#include "jni/guard.h"

using namespace coxswain;
using jni::at;
using jni::guard;

extern "C" {

JNIEXPORT jlong JNICALL Java_dev_coxswain_backend_cpu_Native_steerPlan(JNIEnv* env, jclass, jlong width) {
  return guard(env, [&] { return reinterpret_cast<jlong>(new cpu::SteerPlan(width)); });
}

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_steerAddRule(JNIEnv* env, jclass, jlong plan,
                                                                         jint kind, jfloat strength, jlong m,
                                                                         jlong read, jlong readBias,
                                                                         jlong write, jlong constant) {
  guard(env, [&] {
    at<cpu::SteerPlan>(plan)->addRule(static_cast<cpu::SteerKind>(kind), strength, m, at<float>(read),
                                      at<float>(readBias), at<float>(write), at<float>(constant));
  });
}

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_steerSetCondition(JNIEnv* env, jclass, jlong plan,
                                                                              jlong m, jlong read,
                                                                              jlong readBias,
                                                                              jfloat threshold) {
  guard(env,
        [&] { at<cpu::SteerPlan>(plan)->setCondition(m, at<float>(read), at<float>(readBias), threshold); });
}

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_steerApply(JNIEnv* env, jclass, jlong device,
                                                                       jlong plan, jlong x, jlong xStride,
                                                                       jlong y, jlong yStride, jlong rows,
                                                                       jint dtype, jlong selection,
                                                                       jlong counters) {
  guard(env, [&] {
    cpu::steer(*at<cpu::Device>(device), *at<cpu::SteerPlan>(plan),
               {at<char>(x), xStride, at<char>(y), yStride, rows, static_cast<cpu::Dtype>(dtype),
                at<uint8_t>(selection)},
               at<cpu::SteerCounters>(counters));
  });
}

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_steerFree(JNIEnv* env, jclass, jlong plan) {
  guard(env, [&] { delete at<cpu::SteerPlan>(plan); });
}

}  // extern "C"
