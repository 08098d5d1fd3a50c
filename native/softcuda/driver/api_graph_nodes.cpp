// Nodes of graphs: adding them, reading and changing their parameters.
#include "copy_request.h"
#include "graph_call.h"
#include "launch.h"

namespace softcuda {

void forgetChild(Call& call, Node& node) {
  const auto* child = std::get_if<ChildWork>(&node.work);
  if (!child) return;
  for (const auto& inner : child->graph->nodes) forgetChild(call, *inner);
  if (child->graph->handle) call.driver.graphs.remove(child->graph->handle);
}

CUresult kernelWork(Call& call, const char* function, const CUDA_KERNEL_NODE_PARAMS_v1* p, KernelWork* out) {
  if (!p) return CUDA_ERROR_INVALID_VALUE;
  return prepareLaunch(call, function,
                       {p->func,
                        {p->gridDimX, p->gridDimY, p->gridDimZ},
                        {p->blockDimX, p->blockDimY, p->blockDimZ},
                        p->sharedMemBytes,
                        p->kernelParams,
                        p->extra},
                       out);
}

CUresult copyWork(Call& call, const char* function, const CUDA_MEMCPY3D* p, CopyWork* out) {
  if (!p) return CUDA_ERROR_INVALID_VALUE;
  if (const CUresult bad = copyOfBox(call, function, *p, out)) return bad;
  std::string why;
  return validRanges(*call.context, *out, &why) ? CUDA_SUCCESS
                                                : refuse(function, CUDA_ERROR_INVALID_VALUE, why);
}

CUresult memsetWork(Call& call, const char* function, const CUDA_MEMSET_NODE_PARAMS* p, MemsetWork* out) {
  if (!p || (p->elementSize != 1 && p->elementSize != 2 && p->elementSize != 4))
    return CUDA_ERROR_INVALID_VALUE;
  out->asked = *p;
  std::string why;
  return validRanges(*call.context, *out, &why) ? CUDA_SUCCESS
                                                : refuse(function, CUDA_ERROR_INVALID_VALUE, why);
}

namespace {

struct Place {
  CUgraphNode* out;
  CUgraph graph;
  const CUgraphNode* after;
  size_t count;
};

// Adds a node with the work that `make(call, &work)` fills.
template <class W, class Make>
CUresult add(const char* function, const Place& place, Make&& make) {
  return withGraph(function, place.graph, [&](Call& call, Graph& graph) {
    if (!place.out || (place.count && !place.after)) return CUDA_ERROR_INVALID_VALUE;
    std::vector<std::shared_ptr<Node>> after;
    for (size_t i = 0; i < place.count; ++i) {
      after.push_back(call.driver.nodes.find(place.after[i]));
      if (!after.back() || after.back()->graph != &graph) return CUDA_ERROR_INVALID_VALUE;
    }
    W work;
    if (const CUresult bad = make(call, &work)) return bad;
    *place.out = graph.add(std::move(work), std::move(after))->handle;
    return CUDA_SUCCESS;
  });
}

CUresult addKernel(const char* function, const Place& place, const CUDA_KERNEL_NODE_PARAMS_v1* p) {
  return add<KernelWork>(function, place,
                         [&](Call& call, KernelWork* w) { return kernelWork(call, function, p, w); });
}

CUresult addCopy(const char* function, const Place& place, const CUDA_MEMCPY3D* p) {
  return add<CopyWork>(function, place,
                       [&](Call& call, CopyWork* w) { return copyWork(call, function, p, w); });
}

CUresult addMemset(const char* function, const Place& place, const CUDA_MEMSET_NODE_PARAMS* p) {
  return add<MemsetWork>(function, place,
                         [&](Call& call, MemsetWork* w) { return memsetWork(call, function, p, w); });
}

CUresult addHost(const char* function, const Place& place, const CUDA_HOST_NODE_PARAMS* p) {
  return add<HostWork>(function, place, [&](Call&, HostWork* work) {
    if (!p || !p->fn) return CUDA_ERROR_INVALID_VALUE;
    work->asked = *p;
    return CUDA_SUCCESS;
  });
}

CUresult addChild(const char* function, const Place& place, CUgraph childHandle) {
  return add<ChildWork>(function, place, [&](Call& call, ChildWork* work) {
    const auto child = call.driver.graphs.find(childHandle);
    if (!child || childHandle == place.graph) return CUDA_ERROR_INVALID_VALUE;
    work->graph = copyGraph(*child, true);
    work->graph->childOfNode = true;
    work->graph->handle = call.driver.graphs.add(work->graph);
    return CUDA_SUCCESS;
  });
}

template <class W>
CUresult addEvent(const char* function, const Place& place, CUevent handle) {
  return add<W>(function, place, [&](Call& call, W* work) {
    work->event = call.driver.events.find(handle);
    return work->event ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

template <class W>
CUresult getEvent(const char* function, CUgraphNode handle, CUevent* out) {
  return withWork<W>(function, handle, [&](Call&, Node&, W& work) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = work.event->handle;
    return CUDA_SUCCESS;
  });
}

template <class W>
CUresult setEvent(const char* function, CUgraphNode handle, CUevent eventHandle) {
  return withWork<W>(function, handle, [&](Call& call, Node&, W& work) {
    const auto event = call.driver.events.find(eventHandle);
    if (!event) return CUDA_ERROR_INVALID_HANDLE;
    work.event = event;
    return CUDA_SUCCESS;
  });
}

CUresult addAny(const char* function, const Place& place, CUgraphNodeParams* p) {
  if (!p) return CUDA_ERROR_INVALID_VALUE;
  // The kernel's and the copy's parameters are longer than the members of the union that this file names.
  const void* body = &p->reserved1;
  switch (p->type) {
    case CU_GRAPH_NODE_TYPE_KERNEL:
      return addKernel(function, place, static_cast<const CUDA_KERNEL_NODE_PARAMS*>(body));
    case CU_GRAPH_NODE_TYPE_MEMCPY: {
      constexpr size_t flagsAndContext = 16;
      const char* box = static_cast<const char*>(body) + flagsAndContext;
      return addCopy(function, place, reinterpret_cast<const CUDA_MEMCPY3D*>(box));
    }
    case CU_GRAPH_NODE_TYPE_MEMSET:
      return addMemset(function, place, &p->memset);
    case CU_GRAPH_NODE_TYPE_HOST:
      return addHost(function, place, &p->host);
    case CU_GRAPH_NODE_TYPE_GRAPH:
      return addChild(function, place, p->graph);
    case CU_GRAPH_NODE_TYPE_EMPTY:
      return add<EmptyWork>(function, place, [](Call&, auto*) { return CUDA_SUCCESS; });
    case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
      return addEvent<WaitWork>(function, place, p->event);
    case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
      return addEvent<RecordWork>(function, place, p->event);
  }
  return refuse(function, CUDA_ERROR_NOT_SUPPORTED,
                "a node of type " + std::to_string(p->type) + " is not served");
}

}  // namespace

CU_API cuGraphAddKernelNode_v2(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                               const CUDA_KERNEL_NODE_PARAMS* p) {
  return addKernel(__func__, {out, graph, after, count}, p);
}
CU_API cuGraphAddKernelNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                            const CUDA_KERNEL_NODE_PARAMS_v1* p) {
  return addKernel(__func__, {out, graph, after, count}, p);
}
CU_API cuGraphAddMemcpyNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                            const CUDA_MEMCPY3D* p, CUcontext) {
  return addCopy(__func__, {out, graph, after, count}, p);
}
CU_API cuGraphAddMemsetNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                            const CUDA_MEMSET_NODE_PARAMS* p, CUcontext) {
  return addMemset(__func__, {out, graph, after, count}, p);
}
CU_API cuGraphAddHostNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                          const CUDA_HOST_NODE_PARAMS* p) {
  return addHost(__func__, {out, graph, after, count}, p);
}
CU_API cuGraphAddChildGraphNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                                CUgraph child) {
  return addChild(__func__, {out, graph, after, count}, child);
}
CU_API cuGraphAddEmptyNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count) {
  return add<EmptyWork>(__func__, {out, graph, after, count}, [](Call&, EmptyWork*) { return CUDA_SUCCESS; });
}
CU_API cuGraphAddEventRecordNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                                 CUevent event) {
  return addEvent<RecordWork>(__func__, {out, graph, after, count}, event);
}
CU_API cuGraphAddEventWaitNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                               CUevent event) {
  return addEvent<WaitWork>(__func__, {out, graph, after, count}, event);
}
CU_API cuGraphAddNode(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, size_t count,
                      CUgraphNodeParams* p) {
  return addAny(__func__, {out, graph, after, count}, p);
}
CU_API cuGraphAddNode_v2(CUgraphNode* out, CUgraph graph, const CUgraphNode* after, const CUgraphEdgeData*,
                         size_t count, CUgraphNodeParams* p) {
  return addAny(__func__, {out, graph, after, count}, p);
}

CU_API cuGraphEventRecordNodeGetEvent(CUgraphNode node, CUevent* out) {
  return getEvent<RecordWork>(__func__, node, out);
}
CU_API cuGraphEventWaitNodeGetEvent(CUgraphNode node, CUevent* out) {
  return getEvent<WaitWork>(__func__, node, out);
}
CU_API cuGraphEventRecordNodeSetEvent(CUgraphNode node, CUevent event) {
  return setEvent<RecordWork>(__func__, node, event);
}
CU_API cuGraphEventWaitNodeSetEvent(CUgraphNode node, CUevent event) {
  return setEvent<WaitWork>(__func__, node, event);
}

CU_API cuGraphChildGraphNodeGetGraph(CUgraphNode handle, CUgraph* out) {
  return withWork<ChildWork>(__func__, handle, [&](Call&, Node&, ChildWork& work) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = work.graph->handle;
    return CUDA_SUCCESS;
  });
}

}  // namespace softcuda
