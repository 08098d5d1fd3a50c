// Graphs: nodes of work with edges, instantiated copies of them, and how they are put into a stream.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "state.h"
#include "work.h"

namespace softcuda {

struct Node {
  CUgraphNode handle = nullptr;
  Graph* graph = nullptr;
  Work work;
  std::vector<std::shared_ptr<Node>> after;  // edges to what comes before
  CUgraphNode original = nullptr;            // in a clone or an executable graph: what it was copied from
  // What GetParams answers with: pointers into `parameters`.
  std::vector<void*> parameterPointers;
};

struct Graph {
  CUgraph handle = nullptr;
  std::vector<std::shared_ptr<Node>> nodes;  // in the order of creation
  bool childOfNode = false;                  // owned by a child graph node: not to be destroyed by the caller

  ~Graph();
  std::shared_ptr<Node> add(Work, std::vector<std::shared_ptr<Node>> after);  // with a handle
};

struct GraphExec {
  CUgraphExec handle = nullptr;
  unsigned long long flags = 0;
  std::shared_ptr<Graph> graph;  // a private copy
  std::shared_ptr<Op> last;  // the end of its latest launch: launches of one executable graph are in order
};

// A copy with `original` set; with handles where the caller may see the nodes.
std::shared_ptr<Graph> copyGraph(const Graph&, bool withHandles);
// The nodes so that each comes after all that it depends on.
std::vector<std::shared_ptr<Node>> inOrder(const Graph&);
bool reaches(const Node& from, const Node* to);  // from comes after `to`, or is it
CUresult launchGraph(GraphExec&, Stream&);
int nodeType(const Work&);

}  // namespace softcuda
