// What the graph entry points share.
#pragma once

#include <utility>
#include <vector>

#include "call.h"
#include "graph.h"

namespace softcuda {

template <class Body>
CUresult withGraph(const char* function, CUgraph handle, Body&& body) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto graph = call.driver.graphs.find(handle);
    return graph ? body(call, *graph) : CUDA_ERROR_INVALID_HANDLE;
  });
}

template <class Body>
CUresult withNode(const char* function, CUgraphNode handle, Body&& body) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto node = call.driver.nodes.find(handle);
    return node ? body(call, *node) : CUDA_ERROR_INVALID_HANDLE;
  });
}

// A node whose work is a W; another kind is CUDA_ERROR_INVALID_VALUE. `body(call, node, work)`.
template <class W, class Body>
CUresult withWork(const char* function, CUgraphNode handle, Body&& body) {
  return withNode(function, handle, [&](Call& call, Node& node) {
    W* work = std::get_if<W>(&node.work);
    return work ? body(call, node, *work) : CUDA_ERROR_INVALID_VALUE;
  });
}

// The graph of a child node is no handle any more when the node goes.
void forgetChild(Call&, Node&);

// Work from the parameters that callers give; an error, explained on stderr.
CUresult kernelWork(Call&, const char* function, const CUDA_KERNEL_NODE_PARAMS_v1*, KernelWork* out);
CUresult copyWork(Call&, const char* function, const CUDA_MEMCPY3D*, CopyWork* out);
CUresult memsetWork(Call&, const char* function, const CUDA_MEMSET_NODE_PARAMS*, MemsetWork* out);

}  // namespace softcuda
