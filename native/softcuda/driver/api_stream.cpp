// Streams: creation, waiting, queries, attributes.
#include <algorithm>
#include <cstring>

#include "call.h"

namespace softcuda {
namespace {

template <class Body>
CUresult withStream(const char* function, CUstream handle, const void* result, Body&& body) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    return result ? body(call, *stream) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult create(const char* function, CUstream* out, unsigned flags, int priority) {
  return guarded(function, Needs::context, [&](Call& call) {
    if (!out || flags > CU_STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
    constexpr int greatest = -5, least = 0;
    auto stream = std::make_shared<Stream>();
    stream->context = call.context.get(), stream->flags = flags, stream->id = ++call.driver.ids;
    stream->priority = std::clamp(priority, greatest, least);
    *out = stream->handle = call.driver.streams.add(stream);
    return CUDA_SUCCESS;
  });
}

CUresult streamContext(const char* function, CUstream handle, CUcontext* out) {
  return withStream(function, handle, out, [&](Call&, Stream& stream) {
    *out = stream.context->handle;
    return CUDA_SUCCESS;
  });
}

bool hasEnded(Call& call, const Stream& stream) {
  const auto done = [](const std::shared_ptr<Op>& op) { return !op || op->state == Op::State::done; };
  bool all = done(stream.tail);
  if (stream.legacy) {
    call.driver.streams.each([&](Stream& other) {
      if (other.context == stream.context && other.blocking()) all = all && done(other.tail);
    });
    for (const auto& [thread, other] : stream.context->perThread) all = all && done(other->tail);
  }
  return all;
}

}  // namespace

CU_API cuStreamCreate(CUstream* out, unsigned flags) { return create(__func__, out, flags, 0); }
CU_API cuStreamCreateWithPriority(CUstream* out, unsigned flags, int priority) {
  return create(__func__, out, flags, priority);
}

CU_API cuStreamDestroy_v2(CUstream handle) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto stream = call.driver.streams.find(handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture) stream->capture->invalidated = true;
    if (stream->blocking() && stream->tail) stream->context->orphans.push_back(stream->tail);
    call.driver.streams.remove(handle);  // its work goes on
    return CUDA_SUCCESS;
  });
}

CU_API cuStreamSynchronize(CUstream handle) {
  return withStream(__func__, handle, &handle, [&](Call& call, Stream& stream) {
    if (stream.capture) {
      stream.capture->invalidated = true;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    if (const CUresult refused = forbidDuringCapture(call, "cuStreamSynchronize")) return refused;
    awaitStream(stream);
    return call.context->takePending();
  });
}

// A query answers what was so before it, and lets one more operation run.
CU_API cuStreamQuery(CUstream handle) {
  return withStream(__func__, handle, &handle, [&](Call& call, Stream& stream) {
    if (stream.capture) {
      stream.capture->invalidated = true;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    if (hasEnded(call, stream)) return call.context->takePending();
    if (stream.legacy) submitInOrder(stream, {}, nullptr);
    call.driver.queue.nudge(stream.tail);
    return CUDA_ERROR_NOT_READY;
  });
}

CU_API cuStreamGetCtx(CUstream stream, CUcontext* out) { return streamContext(__func__, stream, out); }
CU_API cuStreamGetCtx_v2(CUstream stream, CUcontext* out, void** greenContext) {
  if (greenContext) *greenContext = nullptr;
  return streamContext(__func__, stream, out);
}

CU_API cuStreamGetDevice(CUstream handle, CUdevice* out) {
  return withStream(__func__, handle, out, [&](Call&, Stream& stream) {
    *out = stream.context->device->ordinal;
    return CUDA_SUCCESS;
  });
}

CU_API cuStreamGetFlags(CUstream handle, unsigned* out) {
  return withStream(__func__, handle, out, [&](Call&, Stream& stream) {
    *out = stream.flags;
    return CUDA_SUCCESS;
  });
}

CU_API cuStreamGetPriority(CUstream handle, int* out) {
  return withStream(__func__, handle, out, [&](Call&, Stream& stream) {
    *out = stream.priority;
    return CUDA_SUCCESS;
  });
}

CU_API cuStreamGetId(CUstream handle, unsigned long long* out) {
  return withStream(__func__, handle, out, [&](Call&, Stream& stream) {
    *out = stream.id;
    return CUDA_SUCCESS;
  });
}

// Hints (L2 windows, the way of waiting): accepted, without effect; a query answers zeros.
CU_API cuStreamSetAttribute(CUstream handle, int, const void* value) {
  return withStream(__func__, handle, value, [](Call&, Stream&) { return CUDA_SUCCESS; });
}
CU_API cuStreamGetAttribute(CUstream handle, int, void* value) {
  return withStream(__func__, handle, value, [&](Call&, Stream&) {
    std::memset(value, 0, sizeof(CUlaunchAttribute::value));
    return CUDA_SUCCESS;
  });
}
CU_API cuStreamCopyAttributes(CUstream to, CUstream from) {
  return withStream(__func__, to, &to, [&](Call& call, Stream&) {
    return call.driver.stream(*call.context, from) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}
CU_API cuStreamAttachMemAsync(CUstream handle, CUdeviceptr, size_t, unsigned) {
  return withStream(__func__, handle, &handle, [](Call&, Stream&) { return CUDA_SUCCESS; });
}

}  // namespace softcuda
