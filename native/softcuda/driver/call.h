// What every entry point shares: the lock, the checks that come before any call, injected faults, the trace,
// and no C++ exception across the C interface.
#pragma once

#include <exception>
#include <mutex>
#include <new>
#include <string>

#include "records.h"
#include "state.h"

#define CU_API extern "C" __attribute__((visibility("default"))) CUresult

namespace softcuda {

enum class Needs { driver, context };  // cuInit has been called; a usable context is current

struct Call {
  Driver& driver;
  std::shared_ptr<Context> context;  // set where Needs::context
};

// A failed call with a reason that a real driver has no place for.
CUresult refuse(const char* function, CUresult code, const std::string& why);

// The checks in their order; CUDA_SUCCESS: go on. Call.context is set where one is needed.
CUresult admit(const char* function, Needs, Call&);
void traceCall(const char* function, CUresult);

// A call through a name that ends in _ptsz or _ptds: the null stream is the calling thread's own while it
// lasts.
class NullStreamScope {
 public:
  NullStreamScope();
  ~NullStreamScope();
};

template <class Body>
CUresult guarded(const char* function, Needs needs, Body&& body) {
  const NullStreamScope nullStream;
  if (insideHostFunction())
    return refuse(function, CUDA_ERROR_NOT_PERMITTED, "called inside a host function of a stream");
  Call call{Driver::get(), nullptr};
  const std::lock_guard<std::mutex> hold(call.driver.gate);
  CUresult result = admit(function, needs, call);
  try {
    if (result == CUDA_SUCCESS) result = body(call);
  } catch (const std::bad_alloc&) {
    result = refuse(function, CUDA_ERROR_OUT_OF_MEMORY, "out of host memory");
  } catch (const std::exception& e) {
    result = refuse(function, CUDA_ERROR_UNKNOWN, e.what());
  }
  // What ran meanwhile may have broken the context.
  if (result == CUDA_SUCCESS && call.context && call.context->sticky != CUDA_SUCCESS)
    result = call.context->sticky;
  traceCall(function, result);
  return result;
}

// An unsafe call (one that may synchronise or allocate) while a stream is being captured: the capture is
// invalidated and the call fails, unless the thread's capture mode allows it.
CUresult forbidDuringCapture(Call&, const char* function);
CUstreamCaptureMode& threadCaptureMode();

bool injected(const InjectedFault&, uint64_t* counter);  // counts one event; true: this one fails

}  // namespace softcuda
