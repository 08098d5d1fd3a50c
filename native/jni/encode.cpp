// Native methods of dev.coxswain.backend.cpu.Native: encode.
#include "cpu/encode.h"

#include "jni/guard.h"

using namespace coxswain;
using jni::at;
using jni::guard;

extern "C" {

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_encode(
    JNIEnv* env, jclass, jlong device, jlong wEnc, jlong bEnc, jlong subtract, jlong threshold,
    jlong features, jlong width, jint activation, jint k, jint normalization, jlong x, jint dtype, jlong rows,
    jlong values, jlong indices, jlong rowNormalization, jlong places, jlong report) {
  guard(env, [&] {
    *at<cpu::EncodeReport>(report) = cpu::encode(
        *at<cpu::Device>(device),
        {at<float>(wEnc), at<float>(bEnc), at<float>(subtract), at<float>(threshold), features, width,
         static_cast<cpu::Activation>(activation), k, static_cast<cpu::Normalization>(normalization)},
        {at<void>(x), static_cast<cpu::Dtype>(dtype), rows, at<float>(values), at<int32_t>(indices),
         at<float>(rowNormalization), places});
  });
}

}  // extern "C"
