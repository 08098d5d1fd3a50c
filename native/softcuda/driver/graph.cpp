#include "graph.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace softcuda {
namespace {

using Ops = std::vector<std::shared_ptr<Op>>;

std::shared_ptr<Op> submitNode(Context&, const Node&, Ops after);

// Queues the graph's nodes after `begin`; answers the operations that nothing in the graph comes after.
Ops submitNodes(Context& context, const Graph& graph, const std::shared_ptr<Op>& begin) {
  std::unordered_map<const Node*, std::shared_ptr<Op>> ops;
  std::unordered_set<const Node*> hasDependents;
  for (const auto& node : inOrder(graph)) {
    Ops after{begin};
    for (const auto& before : node->after) {
      after.push_back(ops.at(before.get()));
      hasDependents.insert(before.get());
    }
    ops[node.get()] = submitNode(context, *node, std::move(after));
  }
  Ops ends{begin};
  for (const auto& [node, op] : ops)
    if (!hasDependents.count(node)) ends.push_back(op);
  return ends;
}

template <class W>
std::shared_ptr<Op> submitRun(Context& context, Ops after, const W& work) {
  return Driver::get().queue.submit(context.shared_from_this(), std::move(after),
                                    [&context, work] { return execute(context, work); });
}

std::shared_ptr<Op> submitNode(Context& context, const Node& node, Ops after) {
  Queue& queue = Driver::get().queue;
  const auto self = context.shared_from_this();
  if (const auto* kernel = std::get_if<KernelWork>(&node.work))
    return submitRun(context, std::move(after), *kernel);
  if (const auto* copy = std::get_if<CopyWork>(&node.work))
    return submitRun(context, std::move(after), *copy);
  if (const auto* memset = std::get_if<MemsetWork>(&node.work))
    return submitRun(context, std::move(after), *memset);
  if (const auto* library = std::get_if<LibraryWork>(&node.work))
    return queue.submit(self, std::move(after), library->run);
  if (const auto* host = std::get_if<HostWork>(&node.work)) {
    const auto asked = host->asked;
    return queue.submit(self, std::move(after), nullptr,
                        {[asked](CUresult) { asked.fn(asked.userData); }, false});
  }
  if (const auto* child = std::get_if<ChildWork>(&node.work)) {
    const auto begin = queue.submit(self, std::move(after), nullptr);
    return queue.submit(self, submitNodes(context, *child->graph, begin), nullptr);
  }
  if (const auto* wait = std::get_if<WaitWork>(&node.work)) after.push_back(wait->event->op);
  const auto op = queue.submit(self, std::move(after), nullptr);
  if (const auto* record = std::get_if<RecordWork>(&node.work))
    record->event->op = op, record->event->recorded = true;
  return op;
}

void giveHandles(const std::shared_ptr<Graph>& graph) {
  for (const auto& node : graph->nodes) node->handle = Driver::get().nodes.add(node);
}

}  // namespace

Graph::~Graph() {
  for (const auto& node : nodes) {
    if (node->handle) Driver::get().nodes.remove(node->handle);
    node->graph = nullptr;
    node->after.clear();
  }
}

std::shared_ptr<Node> Graph::add(Work work, std::vector<std::shared_ptr<Node>> after) {
  auto node = std::make_shared<Node>();
  node->graph = this, node->work = std::move(work), node->after = std::move(after);
  node->handle = Driver::get().nodes.add(node);
  nodes.push_back(node);
  return node;
}

std::shared_ptr<Graph> copyGraph(const Graph& graph, bool withHandles) {
  auto copy = std::make_shared<Graph>();
  std::unordered_map<const Node*, std::shared_ptr<Node>> copies;
  for (const auto& node : graph.nodes) {
    auto twin = std::make_shared<Node>();
    twin->graph = copy.get(), twin->work = node->work, twin->original = node->handle;
    if (auto* child = std::get_if<ChildWork>(&twin->work)) {
      child->graph = copyGraph(*child->graph, withHandles);
      child->graph->childOfNode = true;
      if (withHandles) child->graph->handle = Driver::get().graphs.add(child->graph);
    }
    copies[node.get()] = twin;
    copy->nodes.push_back(twin);
  }
  for (const auto& node : graph.nodes)
    for (const auto& before : node->after) copies[node.get()]->after.push_back(copies.at(before.get()));
  if (withHandles) giveHandles(copy);
  return copy;
}

std::vector<std::shared_ptr<Node>> inOrder(const Graph& graph) {
  std::vector<std::shared_ptr<Node>> ordered;
  std::unordered_map<const Node*, size_t> waitsFor;
  std::unordered_map<const Node*, std::vector<std::shared_ptr<Node>>> dependents;
  for (const auto& node : graph.nodes) {
    waitsFor[node.get()] = node->after.size();
    for (const auto& before : node->after) dependents[before.get()].push_back(node);
    if (node->after.empty()) ordered.push_back(node);
  }
  for (size_t i = 0; i < ordered.size(); ++i) {
    const auto next = dependents.find(ordered[i].get());
    if (next == dependents.end()) continue;
    for (const auto& node : next->second)
      if (--waitsFor[node.get()] == 0) ordered.push_back(node);
  }
  return ordered;  // shorter than graph.nodes where there is a cycle
}

bool reaches(const Node& from, const Node* to) {
  std::vector<const Node*> open{&from};
  std::unordered_set<const Node*> seen{&from};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    if (node == to) return true;
    for (const auto& before : node->after)
      if (seen.insert(before.get()).second) open.push_back(before.get());
  }
  return false;
}

CUresult launchGraph(GraphExec& exec, Stream& stream) {
  const auto begin = submitInOrder(stream, {exec.last}, nullptr);
  const auto ends = submitNodes(*stream.context, *exec.graph, begin);
  exec.last = submitInOrder(stream, ends, nullptr);
  return CUDA_SUCCESS;
}

int nodeType(const Work& work) {
  constexpr int types[] = {
      CU_GRAPH_NODE_TYPE_KERNEL,     CU_GRAPH_NODE_TYPE_MEMCPY, CU_GRAPH_NODE_TYPE_MEMSET,
      CU_GRAPH_NODE_TYPE_HOST,       CU_GRAPH_NODE_TYPE_EMPTY,  CU_GRAPH_NODE_TYPE_EVENT_RECORD,
      CU_GRAPH_NODE_TYPE_WAIT_EVENT, CU_GRAPH_NODE_TYPE_GRAPH,  CU_GRAPH_NODE_TYPE_KERNEL};
  static_assert(std::size(types) == std::variant_size_v<Work>);
  return types[work.index()];
}

}  // namespace softcuda
