#include "call.h"

namespace softcuda {

CUresult refuse(const char* function, CUresult code, const std::string& why) {
  // That a cubin does not run here is no news: every loader goes on to the PTX then.
  if (code == CUDA_ERROR_NO_BINARY_FOR_GPU && !Driver::get().settings.trace) return code;
  say(std::string(function) + ": error " + std::to_string(code) + ": " + why);
  return code;
}

bool injected(const InjectedFault& fault, uint64_t* counter) { return ++*counter == fault.at; }

CUresult admit(const char* function, Needs needs, Call& call) {
  Driver& driver = call.driver;
  if (injected(driver.settings.lost, &driver.calls)) {
    say(std::string("the device is lost at ") + function + ", as SOFTCUDA_LOSE_DEVICE asks");
    driver.lost = true;
  }
  if (driver.lost) return driver.settings.lost.code;
  if (!driver.initialized) return CUDA_ERROR_NOT_INITIALIZED;
  if (needs == Needs::driver) return CUDA_SUCCESS;
  call.context = currentContext();
  if (!call.context) return CUDA_ERROR_INVALID_CONTEXT;
  return call.context->failure();
}

void traceCall(const char* function, CUresult result) {
  if (Driver::get().settings.trace) say(std::string("trace ") + function + " = " + std::to_string(result));
}

CUstreamCaptureMode& threadCaptureMode() {
  thread_local CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  return mode;
}

CUresult forbidDuringCapture(Call& call, const char* function) {
  if (threadCaptureMode() == CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_SUCCESS;
  for (const auto& capture : call.driver.captures) {
    const bool ownThread = capture->thread == std::this_thread::get_id();
    const bool forbids = capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL
                             ? threadCaptureMode() == CU_STREAM_CAPTURE_MODE_GLOBAL || ownThread
                             : capture->mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL && ownThread;
    if (!forbids) continue;
    capture->invalidated = true;
    return refuse(function, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "called while a stream is being captured");
  }
  return CUDA_SUCCESS;
}

}  // namespace softcuda
