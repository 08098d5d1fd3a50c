// Events: record, wait, query; a time is never measured.
#include <algorithm>

#include "call.h"
#include "graph.h"

namespace softcuda {
namespace {

template <class Body>
CUresult withEvent(const char* function, CUevent handle, Body&& body) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto event = call.driver.events.find(handle);
    return event ? body(call, *event) : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult record(const char* function, CUevent handle, CUstream streamHandle, unsigned flags) {
  constexpr unsigned external = 1;
  return withEvent(function, handle, [&](Call& call, Event& event) {
    const auto stream = call.driver.stream(*call.context, streamHandle);
    if (!stream || event.context != stream->context) return CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture && flags & external)
      return enqueue(*stream, RecordWork{call.driver.events.find(handle)});
    if (stream->capture && stream->capture->invalidated) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    event.capture = stream->capture, event.captured = stream->captured;
    if (stream->capture) return CUDA_SUCCESS;
    event.op = submitInOrder(*stream, {}, nullptr);
    event.recorded = true;
    return CUDA_SUCCESS;
  });
}

// The stream joins the event's capture, or what it captures next comes after the event too.
CUresult joinCapture(Stream& stream, const Event& event) {
  if (stream.legacy) return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
  if (event.capture->invalidated) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (stream.capture && stream.capture != event.capture) {
    stream.capture->invalidated = event.capture->invalidated = true;
    return CUDA_ERROR_STREAM_CAPTURE_MERGE;
  }
  stream.capture = event.capture;
  for (const auto& node : event.captured)
    if (std::find(stream.captured.begin(), stream.captured.end(), node) == stream.captured.end())
      stream.captured.push_back(node);
  return CUDA_SUCCESS;
}

CUresult waitEvent(Call& call, Stream& stream, CUevent handle, unsigned flags) {
  constexpr unsigned external = 1;
  const auto event = call.driver.events.find(handle);
  if (!event) return CUDA_ERROR_INVALID_HANDLE;
  // An event of a capture that has ended says nothing any more.
  const bool capturedNow = event->capture && call.driver.captures.count(event->capture);
  if (capturedNow) return joinCapture(stream, *event);
  if (stream.capture && flags & external) return enqueue(stream, WaitWork{event});
  if (stream.capture) {
    stream.capture->invalidated = true;
    return refuse("cuStreamWaitEvent", CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
                  "a captured stream waits for an event from outside of the capture");
  }
  if (event->op) submitInOrder(stream, {event->op}, nullptr);
  return CUDA_SUCCESS;
}

CUresult elapsed(const char* function, float* milliseconds, CUevent start, CUevent end) {
  return withEvent(function, start, [&](Call& call, Event& first) {
    const auto last = call.driver.events.find(end);
    if (!milliseconds) return CUDA_ERROR_INVALID_VALUE;
    if (!last || !first.recorded || !last->recorded || (first.flags | last->flags) & CU_EVENT_DISABLE_TIMING)
      return CUDA_ERROR_INVALID_HANDLE;
    if (first.op->state != Op::State::done || last->op->state != Op::State::done) {
      call.driver.queue.nudge(last->op);
      return CUDA_ERROR_NOT_READY;
    }
    *milliseconds = 0;  // no time here is a GPU's
    return CUDA_SUCCESS;
  });
}

}  // namespace

CU_API cuEventCreate(CUevent* out, unsigned flags) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    constexpr unsigned interprocess = 4;
    if (!out || flags > 7) return CUDA_ERROR_INVALID_VALUE;
    if (flags & interprocess) return CUDA_ERROR_NOT_SUPPORTED;
    auto event = std::make_shared<Event>();
    event->context = call.context.get(), event->flags = flags;
    *out = event->handle = call.driver.events.add(event);
    return CUDA_SUCCESS;
  });
}

CU_API cuEventDestroy_v2(CUevent handle) {
  return withEvent(__func__, handle, [&](Call& call, Event&) {
    call.driver.events.remove(handle);
    return CUDA_SUCCESS;
  });
}

CU_API cuEventRecord(CUevent event, CUstream stream) { return record(__func__, event, stream, 0); }
CU_API cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
  return record(__func__, event, stream, flags);
}

CU_API cuStreamWaitEvent(CUstream handle, CUevent event, unsigned flags) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    return stream ? waitEvent(call, *stream, event, flags) : CUDA_ERROR_INVALID_HANDLE;
  });
}

CU_API cuEventSynchronize(CUevent handle) {
  return withEvent(__func__, handle, [](Call& call, Event& event) {
    if (event.capture) return CUDA_ERROR_CAPTURED_EVENT;
    if (const CUresult refused = forbidDuringCapture(call, "cuEventSynchronize")) return refused;
    call.driver.queue.await(event.op);
    return call.context->takePending();
  });
}

CU_API cuEventQuery(CUevent handle) {
  return withEvent(__func__, handle, [](Call& call, Event& event) {
    if (event.capture) return CUDA_ERROR_CAPTURED_EVENT;
    if (!event.op || event.op->state == Op::State::done) return call.context->takePending();
    call.driver.queue.nudge(event.op);
    return CUDA_ERROR_NOT_READY;
  });
}

CU_API cuEventElapsedTime(float* milliseconds, CUevent start, CUevent end) {
  return elapsed(__func__, milliseconds, start, end);
}
CU_API cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) {
  return elapsed(__func__, milliseconds, start, end);
}

}  // namespace softcuda
