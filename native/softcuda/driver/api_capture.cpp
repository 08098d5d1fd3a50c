// Capture of streams into graphs.
#include <algorithm>

#include "call.h"
#include "graph.h"

namespace softcuda {
namespace {

CUresult begin(Call& call, CUstream handle, CUstreamCaptureMode mode, std::shared_ptr<Graph> graph,
               std::vector<std::shared_ptr<Node>> after) {
  const auto stream = call.driver.stream(*call.context, handle);
  if (!stream) return CUDA_ERROR_INVALID_HANDLE;
  if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL || mode > CU_STREAM_CAPTURE_MODE_RELAXED)
    return CUDA_ERROR_INVALID_VALUE;
  if (stream->legacy) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (stream->capture) return CUDA_ERROR_ILLEGAL_STATE;
  auto capture = std::make_shared<Capture>();
  capture->id = ++call.driver.ids, capture->graph = std::move(graph), capture->mode = mode;
  capture->thread = std::this_thread::get_id(), capture->origin = stream->handle;
  if (!capture->graph) {
    capture->graph = std::make_shared<Graph>();
    capture->graph->handle = call.driver.graphs.add(capture->graph);
  }
  stream->capture = capture, stream->captured = std::move(after);
  call.driver.captures.insert(capture);
  return CUDA_SUCCESS;
}

template <class Visit>
void eachStream(Call& call, Visit&& visit) {
  call.driver.streams.each([&](Stream& stream) { visit(stream); });
  for (const auto& [thread, stream] : call.context->perThread) visit(*stream);
}

bool isJoined(const Stream& origin, const Stream& other) {
  return std::all_of(other.captured.begin(), other.captured.end(), [&](const auto& node) {
    return std::any_of(origin.captured.begin(), origin.captured.end(),
                       [&](const auto& last) { return reaches(*last, node.get()); });
  });
}

CUresult end(Call& call, CUstream handle, CUgraph* out) {
  const auto stream = call.driver.stream(*call.context, handle);
  if (!stream) return CUDA_ERROR_INVALID_HANDLE;
  if (!out) return CUDA_ERROR_INVALID_VALUE;
  *out = nullptr;
  const auto capture = stream->capture;
  if (!capture) return CUDA_ERROR_ILLEGAL_STATE;
  if (capture->origin != stream->handle) return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != std::this_thread::get_id())
    return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  bool joined = true;
  eachStream(call, [&](Stream& other) {
    if (other.capture == capture && &other != stream.get()) joined = joined && isJoined(*stream, other);
  });
  eachStream(call, [&](Stream& other) {
    if (other.capture == capture) other.capture = nullptr, other.captured.clear();
  });
  call.driver.captures.erase(capture);
  if (capture->invalidated || !joined) {
    call.driver.graphs.remove(capture->graph->handle);
    return capture->invalidated ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
  }
  *out = capture->graph->handle;
  return CUDA_SUCCESS;
}

struct InfoOut {
  CUstreamCaptureStatus* status;
  unsigned long long* id;
  CUgraph* graph;
  const CUgraphNode** nodes;
  size_t* count;
};

CUresult captureInfo(const char* function, CUstream handle, const InfoOut& out) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!out.status) return CUDA_ERROR_INVALID_VALUE;
    *out.status = !stream->capture               ? CU_STREAM_CAPTURE_STATUS_NONE
                  : stream->capture->invalidated ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                                 : CU_STREAM_CAPTURE_STATUS_ACTIVE;
    if (*out.status != CU_STREAM_CAPTURE_STATUS_ACTIVE) return CUDA_SUCCESS;
    // Lives until the thread's next call of this function.
    thread_local std::vector<CUgraphNode> handles;
    handles.clear();
    for (const auto& node : stream->captured) handles.push_back(node->handle);
    if (out.id) *out.id = stream->capture->id;
    if (out.graph) *out.graph = stream->capture->graph->handle;
    if (out.nodes) *out.nodes = handles.data();
    if (out.count) *out.count = handles.size();
    return CUDA_SUCCESS;
  });
}

CUresult updateDependencies(const char* function, CUstream handle, const CUgraphNode* nodes, size_t count,
                            unsigned flags) {
  constexpr unsigned replace = 1;
  return guarded(function, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!stream->capture) return CUDA_ERROR_ILLEGAL_STATE;
    std::vector<std::shared_ptr<Node>> after;
    for (size_t i = 0; i < count; ++i) {
      after.push_back(call.driver.nodes.find(nodes[i]));
      if (!after.back() || after.back()->graph != stream->capture->graph.get())
        return CUDA_ERROR_INVALID_VALUE;
    }
    if (flags != replace) after.insert(after.end(), stream->captured.begin(), stream->captured.end());
    stream->captured = std::move(after);
    return CUDA_SUCCESS;
  });
}

}  // namespace

CU_API cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
  return guarded(__func__, Needs::context,
                 [&](Call& call) { return begin(call, stream, mode, nullptr, {}); });
}

CU_API cuStreamBeginCaptureToGraph(CUstream stream, CUgraph handle, const CUgraphNode* nodes,
                                   const CUgraphEdgeData*, size_t count, CUstreamCaptureMode mode) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto graph = call.driver.graphs.find(handle);
    if (!graph) return CUDA_ERROR_INVALID_HANDLE;
    std::vector<std::shared_ptr<Node>> after;
    for (size_t i = 0; i < count; ++i) {
      after.push_back(call.driver.nodes.find(nodes[i]));
      if (!after.back() || after.back()->graph != graph.get()) return CUDA_ERROR_INVALID_VALUE;
    }
    return begin(call, stream, mode, graph, std::move(after));
  });
}

CU_API cuStreamEndCapture(CUstream stream, CUgraph* out) {
  return guarded(__func__, Needs::context, [&](Call& call) { return end(call, stream, out); });
}

CU_API cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus* out) {
  return captureInfo(__func__, stream, {out, nullptr, nullptr, nullptr, nullptr});
}

CU_API cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus* status, unsigned long long* id,
                                 CUgraph* graph, const CUgraphNode** nodes, size_t* count) {
  return captureInfo(__func__, stream, {status, id, graph, nodes, count});
}

CU_API cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus* status, unsigned long long* id,
                                 CUgraph* graph, const CUgraphNode** nodes, const CUgraphEdgeData** edges,
                                 size_t* count) {
  if (edges) *edges = nullptr;
  return captureInfo(__func__, stream, {status, id, graph, nodes, count});
}

CU_API cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode* nodes, size_t count, unsigned flags) {
  return updateDependencies(__func__, stream, nodes, count, flags);
}

CU_API cuStreamUpdateCaptureDependencies_v2(CUstream stream, CUgraphNode* nodes, const CUgraphEdgeData*,
                                            size_t count, unsigned flags) {
  return updateDependencies(__func__, stream, nodes, count, flags);
}

CU_API cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
  return guarded(__func__, Needs::driver, [&](Call&) {
    if (!mode || *mode < CU_STREAM_CAPTURE_MODE_GLOBAL || *mode > CU_STREAM_CAPTURE_MODE_RELAXED)
      return CUDA_ERROR_INVALID_VALUE;
    std::swap(*mode, threadCaptureMode());
    return CUDA_SUCCESS;
  });
}

}  // namespace softcuda
