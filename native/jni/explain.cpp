// Native methods of dev.coxswain.backend.cpu.Native: explanation.
#include "cpu/explain.h"

#include "jni/guard.h"

using namespace coxswain;
using jni::at;
using jni::guard;

extern "C" {

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_explainStatistics(
    JNIEnv* env, jclass, jlong device, jlong features, jlong f, jlong words, jlong v, jlong d, jdouble alpha,
    jdouble beta, jlong rowLogSumExp, jlong columns) {
  guard(env, [&] {
    cpu::explainStatistics(*at<cpu::Device>(device),
                           {at<float>(features), f, at<float>(words), v, d, alpha, beta},
                           at<double>(rowLogSumExp), at<cpu::LogSum>(columns));
  });
}

JNIEXPORT void JNICALL Java_dev_coxswain_backend_cpu_Native_explainTop(
    JNIEnv* env, jclass, jlong device, jlong features, jlong f, jlong words, jlong v, jlong d, jdouble alpha,
    jdouble beta, jdouble shift, jlong top, jlong rowLogSumExp, jlong columns, jlong bestWords,
    jlong bestScores, jlong bestGiven, jlong bestLogs) {
  guard(env, [&] {
    cpu::explainTop(
        *at<cpu::Device>(device), {at<float>(features), f, at<float>(words), v, d, alpha, beta}, {shift, top},
        at<double>(rowLogSumExp), at<cpu::LogSum>(columns),
        {at<int32_t>(bestWords), at<double>(bestScores), at<double>(bestGiven), at<double>(bestLogs)});
  });
}

}  // extern "C"
