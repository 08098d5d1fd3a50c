// Native methods of dev.coxswain.backend.cpu.Native: training.
#include "cpu/train.h"

#include "jni/guard.h"

using namespace coxswain;
using jni::at;
using jni::guard;

extern "C" {

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_trainStep(
    JNIEnv* env, jclass, jlong device, jlong wEnc, jlong bEnc, jlong wDec, jlong bDec, jlong firstMoment,
    jlong secondMoment, jlong sinceFired, jlong features, jlong width, jlong k, jlong kAux,
    jfloat auxCoefficient, jlong deadAfter, jlong step, jfloat learningRate, jfloat beta1, jfloat beta2,
    jfloat epsilon, jlong x, jlong rows, jlong report) {
  guard(env, [&] {
    *at<cpu::TrainReport>(report) = cpu::trainStep(
        *at<cpu::Device>(device),
        {at<float>(wEnc), at<float>(bEnc), at<float>(wDec), at<float>(bDec), at<float>(firstMoment),
         at<float>(secondMoment), at<int64_t>(sinceFired), features, width},
        {k, kAux, auxCoefficient, deadAfter, step, learningRate, beta1, beta2, epsilon}, at<float>(x), rows);
  });
}

}  // extern "C"
