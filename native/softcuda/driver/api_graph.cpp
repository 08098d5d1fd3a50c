// Graphs: their life, structure and edges.
#include <algorithm>
#include <cstring>

#include "call.h"
#include "graph.h"
#include "graph_call.h"

namespace softcuda {
namespace {

// The protocol of all listing calls: with a null array the count is asked for; else at most *count are
// written and the rest of the array is cleared.
template <class T>
CUresult list(const std::vector<T>& items, T* out, size_t* count) {
  if (!count) return CUDA_ERROR_INVALID_VALUE;
  if (out)
    for (size_t i = 0; i < *count; ++i) out[i] = i < items.size() ? items[i] : T{};
  *count = out ? std::min(*count, items.size()) : items.size();
  return CUDA_SUCCESS;
}

std::vector<CUgraphNode> handlesOf(const std::vector<std::shared_ptr<Node>>& nodes) {
  std::vector<CUgraphNode> handles;
  for (const auto& node : nodes) handles.push_back(node->handle);
  return handles;
}

CUresult edges(const char* function, CUgraph handle, CUgraphNode* from, CUgraphNode* to, size_t* count) {
  return withGraph(function, handle, [&](Call&, Graph& graph) {
    std::vector<CUgraphNode> froms, tos;
    for (const auto& node : graph.nodes)
      for (const auto& before : node->after) froms.push_back(before->handle), tos.push_back(node->handle);
    size_t same = count ? *count : 0;
    if (to)
      if (const CUresult bad = list(tos, to, &same)) return bad;
    return list(froms, from, count);
  });
}

CUresult before(const char* function, CUgraphNode handle, CUgraphNode* out, size_t* count) {
  return withNode(function, handle,
                  [&](Call&, Node& node) { return list(handlesOf(node.after), out, count); });
}

CUresult behind(const char* function, CUgraphNode handle, CUgraphNode* out, size_t* count) {
  return withNode(function, handle, [&](Call&, Node& node) {
    std::vector<CUgraphNode> found;
    for (const auto& other : node.graph->nodes)
      for (const auto& edge : other->after)
        if (edge.get() == &node) found.push_back(other->handle);
    return list(found, out, count);
  });
}

CUresult changeEdges(const char* function, CUgraph handle, const CUgraphNode* from, const CUgraphNode* to,
                     size_t count, bool add) {
  return withGraph(function, handle, [&](Call& call, Graph& graph) {
    if (count && (!from || !to)) return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count; ++i) {
      const auto first = call.driver.nodes.find(from[i]), second = call.driver.nodes.find(to[i]);
      if (!first || !second || first->graph != &graph || second->graph != &graph)
        return CUDA_ERROR_INVALID_VALUE;
      const auto edge = std::find(second->after.begin(), second->after.end(), first);
      if (add == (edge != second->after.end())) return CUDA_ERROR_INVALID_VALUE;
      if (add && reaches(*first, second.get()))
        return refuse(function, CUDA_ERROR_INVALID_VALUE, "the edge closes a cycle");
      if (add)
        second->after.push_back(first);
      else
        second->after.erase(edge);
    }
    return CUDA_SUCCESS;
  });
}

}  // namespace

CU_API cuGraphCreate(CUgraph* out, unsigned flags) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    if (!out || flags) return CUDA_ERROR_INVALID_VALUE;
    auto graph = std::make_shared<Graph>();
    *out = graph->handle = call.driver.graphs.add(graph);
    return CUDA_SUCCESS;
  });
}

CU_API cuGraphDestroy(CUgraph handle) {
  return withGraph(__func__, handle, [&](Call& call, Graph& graph) {
    if (graph.childOfNode) return CUDA_ERROR_INVALID_VALUE;
    const auto kept = call.driver.graphs.remove(handle);
    for (const auto& node : kept->nodes) forgetChild(call, *node);
    return CUDA_SUCCESS;
  });
}

CU_API cuGraphClone(CUgraph* out, CUgraph handle) {
  return withGraph(__func__, handle, [&](Call& call, Graph& graph) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    const auto copy = copyGraph(graph, true);
    *out = copy->handle = call.driver.graphs.add(copy);
    return CUDA_SUCCESS;
  });
}

CU_API cuGraphNodeFindInClone(CUgraphNode* out, CUgraphNode original, CUgraph handle) {
  return withGraph(__func__, handle, [&](Call&, Graph& graph) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    for (const auto& node : graph.nodes) {
      if (node->original != original) continue;
      *out = node->handle;
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CU_API cuGraphDestroyNode(CUgraphNode handle) {
  return withNode(__func__, handle, [&](Call& call, Node& node) {
    auto& nodes = node.graph->nodes;
    const auto self = call.driver.nodes.find(handle);
    for (const auto& other : nodes)
      other->after.erase(std::remove(other->after.begin(), other->after.end(), self), other->after.end());
    nodes.erase(std::find(nodes.begin(), nodes.end(), self));
    forgetChild(call, node);
    node.graph = nullptr;
    call.driver.nodes.remove(handle);
    return CUDA_SUCCESS;
  });
}

CU_API cuGraphNodeGetType(CUgraphNode handle, int* out) {
  return withNode(__func__, handle, [&](Call&, Node& node) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = nodeType(node.work);
    return CUDA_SUCCESS;
  });
}

CU_API cuGraphGetNodes(CUgraph handle, CUgraphNode* out, size_t* count) {
  return withGraph(__func__, handle,
                   [&](Call&, Graph& graph) { return list(handlesOf(graph.nodes), out, count); });
}

CU_API cuGraphGetRootNodes(CUgraph handle, CUgraphNode* out, size_t* count) {
  return withGraph(__func__, handle, [&](Call&, Graph& graph) {
    std::vector<CUgraphNode> roots;
    for (const auto& node : graph.nodes)
      if (node->after.empty()) roots.push_back(node->handle);
    return list(roots, out, count);
  });
}

CU_API cuGraphGetEdges(CUgraph graph, CUgraphNode* from, CUgraphNode* to, size_t* count) {
  return edges(__func__, graph, from, to, count);
}
// Edge data (programmatic launches) is not served: always zero.
CU_API cuGraphGetEdges_v2(CUgraph graph, CUgraphNode* from, CUgraphNode* to, CUgraphEdgeData* data,
                          size_t* count) {
  if (data && count) std::memset(data, 0, *count * sizeof *data);
  return edges(__func__, graph, from, to, count);
}
CU_API cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode* out, size_t* count) {
  return before(__func__, node, out, count);
}
CU_API cuGraphNodeGetDependencies_v2(CUgraphNode node, CUgraphNode* out, CUgraphEdgeData* data,
                                     size_t* count) {
  if (data && count) std::memset(data, 0, *count * sizeof *data);
  return before(__func__, node, out, count);
}
CU_API cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode* out, size_t* count) {
  return behind(__func__, node, out, count);
}
CU_API cuGraphNodeGetDependentNodes_v2(CUgraphNode node, CUgraphNode* out, CUgraphEdgeData* data,
                                       size_t* count) {
  if (data && count) std::memset(data, 0, *count * sizeof *data);
  return behind(__func__, node, out, count);
}
CU_API cuGraphAddDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to, size_t count) {
  return changeEdges(__func__, graph, from, to, count, true);
}
CU_API cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                 const CUgraphEdgeData*, size_t count) {
  return changeEdges(__func__, graph, from, to, count, true);
}
CU_API cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                 size_t count) {
  return changeEdges(__func__, graph, from, to, count, false);
}
CU_API cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode* from, const CUgraphNode* to,
                                    const CUgraphEdgeData*, size_t count) {
  return changeEdges(__func__, graph, from, to, count, false);
}

}  // namespace softcuda
