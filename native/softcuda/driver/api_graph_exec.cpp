// Executable graphs: instantiation, launches, updates.
#include <algorithm>

#include "graph_call.h"

namespace softcuda {
namespace {

CUresult instantiate(const char* function, CUgraphExec* out, CUgraph handle, unsigned long long flags) {
  return withGraph(function, handle, [&](Call& call, Graph& graph) {
    constexpr unsigned long long deviceLaunch = 4, known = 15;
    if (!out || flags & ~known) return CUDA_ERROR_INVALID_VALUE;
    if (flags & deviceLaunch) return refuse(function, CUDA_ERROR_NOT_SUPPORTED, "launches from a device");
    auto exec = std::make_shared<GraphExec>();
    exec->graph = copyGraph(graph, false);
    if (inOrder(*exec->graph).size() != graph.nodes.size()) return CUDA_ERROR_INVALID_VALUE;
    exec->flags = flags;
    *out = exec->handle = call.driver.graphExecs.add(exec);
    return CUDA_SUCCESS;
  });
}

template <class Body>
CUresult withExec(const char* function, CUgraphExec handle, Body&& body) {
  return guarded(function, Needs::context, [&](Call& call) {
    const auto exec = call.driver.graphExecs.find(handle);
    return exec ? body(call, *exec) : CUDA_ERROR_INVALID_HANDLE;
  });
}

// The twin of `original` in the executable graph, if its work is a W. `body(call, work)`.
template <class W, class Body>
CUresult withTwin(const char* function, CUgraphExec handle, CUgraphNode original, Body&& body) {
  return withExec(function, handle, [&](Call& call, GraphExec& exec) {
    for (const auto& node : exec.graph->nodes) {
      if (node->original != original) continue;
      W* work = std::get_if<W>(&node->work);
      return work ? body(call, *work) : CUDA_ERROR_INVALID_VALUE;
    }
    return refuse(function, CUDA_ERROR_INVALID_VALUE, "the node is not of the graph that was instantiated");
  });
}

CUresult setKernel(const char* function, CUgraphExec exec, CUgraphNode node,
                   const CUDA_KERNEL_NODE_PARAMS_v1* p) {
  return withTwin<KernelWork>(function, exec, node, [&](Call& call, KernelWork& work) {
    KernelWork changed;
    if (const CUresult bad = kernelWork(call, function, p, &changed)) return bad;
    work = std::move(changed);
    return CUDA_SUCCESS;
  });
}

template <class W>
CUresult setEvent(const char* function, CUgraphExec exec, CUgraphNode node, CUevent handle) {
  return withTwin<W>(function, exec, node, [&](Call& call, W& work) {
    const auto event = call.driver.events.find(handle);
    if (!event) return CUDA_ERROR_INVALID_HANDLE;
    work.event = event;
    return CUDA_SUCCESS;
  });
}

// Whether two graphs have the same nodes and edges in the order of creation; else what differs, and where.
CUgraphExecUpdateResult compare(const Graph& exec, const Graph& graph, CUgraphNode* node) {
  if (exec.nodes.size() != graph.nodes.size()) return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  const auto place = [](const Graph& g, const Node* n) {
    return std::find_if(g.nodes.begin(), g.nodes.end(), [&](const auto& x) { return x.get() == n; }) -
           g.nodes.begin();
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node &mine = *exec.nodes[i], &other = *graph.nodes[i];
    *node = other.handle;
    if (nodeType(mine.work) != nodeType(other.work) || mine.work.index() != other.work.index())
      return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
    if (mine.after.size() != other.after.size()) return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    for (size_t e = 0; e < mine.after.size(); ++e)
      if (place(exec, mine.after[e].get()) != place(graph, other.after[e].get()))
        return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    if (const auto* child = std::get_if<ChildWork>(&mine.work)) {
      const auto inner = compare(*child->graph, *std::get<ChildWork>(other.work).graph, node);
      if (inner != CU_GRAPH_EXEC_UPDATE_SUCCESS) return inner;
    }
  }
  *node = nullptr;
  return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

CUresult update(const char* function, CUgraphExec handle, CUgraph graphHandle, CUgraphNode* node,
                CUgraphExecUpdateResult* result) {
  return withExec(function, handle, [&](Call& call, GraphExec& exec) {
    const auto graph = call.driver.graphs.find(graphHandle);
    if (!graph || !node || !result) return CUDA_ERROR_INVALID_VALUE;
    *result = compare(*exec.graph, *graph, node);
    if (*result != CU_GRAPH_EXEC_UPDATE_SUCCESS) return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
    const auto updated = copyGraph(*graph, false);
    // The nodes by which SetParams calls name the twins stay those of the instantiated graph.
    for (size_t i = 0; i < updated->nodes.size(); ++i)
      updated->nodes[i]->original = exec.graph->nodes[i]->original;
    exec.graph = updated;
    return CUDA_SUCCESS;
  });
}

}  // namespace

CU_API cuGraphInstantiateWithFlags(CUgraphExec* out, CUgraph graph, unsigned long long flags) {
  return instantiate(__func__, out, graph, flags);
}
CU_API cuGraphInstantiate(CUgraphExec* out, CUgraph graph, CUgraphNode* failed, char* log, size_t logBytes) {
  if (failed) *failed = nullptr;
  if (log && logBytes) *log = '\0';
  return instantiate(__func__, out, graph, 0);
}
CU_API cuGraphInstantiate_v2(CUgraphExec* out, CUgraph graph, CUgraphNode* failed, char* log,
                             size_t logBytes) {
  return cuGraphInstantiate(out, graph, failed, log, logBytes);
}
CU_API cuGraphInstantiateWithParams(CUgraphExec* out, CUgraph graph, CUDA_GRAPH_INSTANTIATE_PARAMS* p) {
  if (!p) return CUDA_ERROR_INVALID_VALUE;
  p->hErrNode_out = nullptr;
  const CUresult result = instantiate(__func__, out, graph, p->flags);
  p->result_out = result != CUDA_SUCCESS;
  return result;
}

CU_API cuGraphLaunch(CUgraphExec handle, CUstream streamHandle) {
  return withExec(__func__, handle, [&](Call& call, GraphExec& exec) {
    const auto stream = call.driver.stream(*call.context, streamHandle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture) return enqueue(*stream, ChildWork{copyGraph(*exec.graph, false)});
    return launchGraph(exec, *stream);
  });
}

CU_API cuGraphUpload(CUgraphExec handle, CUstream) {
  return withExec(__func__, handle, [](Call&, GraphExec&) { return CUDA_SUCCESS; });
}

CU_API cuGraphExecDestroy(CUgraphExec handle) {
  return withExec(__func__, handle, [&](Call& call, GraphExec&) {
    call.driver.graphExecs.remove(handle);  // a launch that is queued goes on
    return CUDA_SUCCESS;
  });
}

CU_API cuGraphExecGetFlags(CUgraphExec handle, unsigned long long* out) {
  return withExec(__func__, handle, [&](Call&, GraphExec& exec) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = exec.flags;
    return CUDA_SUCCESS;
  });
}

CU_API cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
                                         const CUDA_KERNEL_NODE_PARAMS* p) {
  return setKernel(__func__, exec, node, p);
}
CU_API cuGraphExecKernelNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                      const CUDA_KERNEL_NODE_PARAMS_v1* p) {
  return setKernel(__func__, exec, node, p);
}
CU_API cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D* p, CUcontext) {
  return withTwin<CopyWork>(__func__, exec, node, [&](Call& call, CopyWork& work) {
    return copyWork(call, "cuGraphExecMemcpyNodeSetParams", p, &work);
  });
}
CU_API cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS* p,
                                      CUcontext) {
  return withTwin<MemsetWork>(__func__, exec, node, [&](Call& call, MemsetWork& work) {
    return memsetWork(call, "cuGraphExecMemsetNodeSetParams", p, &work);
  });
}
CU_API cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS* p) {
  return withTwin<HostWork>(__func__, exec, node, [&](Call&, HostWork& work) {
    if (!p || !p->fn) return CUDA_ERROR_INVALID_VALUE;
    work.asked = *p;
    return CUDA_SUCCESS;
  });
}
CU_API cuGraphExecChildGraphNodeSetParams(CUgraphExec exec, CUgraphNode node, CUgraph childHandle) {
  return withTwin<ChildWork>(__func__, exec, node, [&](Call& call, ChildWork& work) {
    const auto child = call.driver.graphs.find(childHandle);
    if (!child) return CUDA_ERROR_INVALID_VALUE;
    CUgraphNode differs = nullptr;
    if (compare(*work.graph, *child, &differs) != CU_GRAPH_EXEC_UPDATE_SUCCESS)
      return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
    work.graph = copyGraph(*child, false);
    return CUDA_SUCCESS;
  });
}
CU_API cuGraphExecEventRecordNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
  return setEvent<RecordWork>(__func__, exec, node, event);
}
CU_API cuGraphExecEventWaitNodeSetEvent(CUgraphExec exec, CUgraphNode node, CUevent event) {
  return setEvent<WaitWork>(__func__, exec, node, event);
}

CU_API cuGraphExecUpdate(CUgraphExec exec, CUgraph graph, CUgraphNode* node,
                         CUgraphExecUpdateResult* result) {
  return update(__func__, exec, graph, node, result);
}
CU_API cuGraphExecUpdate_v2(CUgraphExec exec, CUgraph graph, CUgraphExecUpdateResultInfo* out) {
  if (!out) return CUDA_ERROR_INVALID_VALUE;
  out->errorFromNode = nullptr;
  return update(__func__, exec, graph, &out->errorNode, &out->result);
}

}  // namespace softcuda
