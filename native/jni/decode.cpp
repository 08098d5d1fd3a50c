// Native methods of dev.coxswain.backend.cpu.Native: decode.
#include "cpu/decode.h"

#include "jni/guard.h"

using namespace coxswain;
using jni::at;
using jni::guard;

extern "C" {

JNIEXPORT jlong JNICALL Java_dev_coxswain_backend_cpu_Native_decode(JNIEnv* env, jclass, jlong device,
                                                                    jlong wDec, jlong bDec, jlong features,
                                                                    jlong width, jboolean normalized,
                                                                    jlong values, jlong indices,
                                                                    jlong rowNormalization, jlong places,
                                                                    jlong rows, jlong xHat, jint dtype) {
  return guard(env, [&]() -> jlong {
    return cpu::decode(*at<cpu::Device>(device),
                       {at<float>(wDec), at<float>(bDec), features, width, normalized == JNI_TRUE},
                       {at<float>(values), at<int32_t>(indices), at<float>(rowNormalization), places, rows,
                        at<void>(xHat), static_cast<cpu::Dtype>(dtype)});
  });
}

}  // extern "C"
