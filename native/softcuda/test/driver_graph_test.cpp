#include "driver_support.h"

namespace softcuda {
namespace {

using DriverGraphTest = DriverTest;

CUDA_KERNEL_NODE_PARAMS kernelNode(CUfunction function, void** parameters) {
  CUDA_KERNEL_NODE_PARAMS node{};
  node.func = function, node.kernelParams = parameters;
  node.gridDimX = node.gridDimY = node.gridDimZ = node.blockDimX = node.blockDimY = node.blockDimZ = 1;
  return node;
}

CUgraphExec instantiated(CUgraph graph) {
  CUgraphExec exec = nullptr;
  EXPECT_EQ(cuGraphInstantiateWithFlags(&exec, graph, 0), CUDA_SUCCESS);
  return exec;
}

std::vector<CUgraphNode> nodesOf(CUgraph graph) {
  size_t count = 0;
  EXPECT_EQ(cuGraphGetNodes(graph, nullptr, &count), CUDA_SUCCESS);
  std::vector<CUgraphNode> nodes(count);
  EXPECT_EQ(cuGraphGetNodes(graph, nodes.data(), &count), CUDA_SUCCESS);
  return nodes;
}

TEST_F(DriverGraphTest, shouldReplayWhatAStreamCaptured) {
  for (const char* order : {"late", "random", "eager"}) {
    start({{"ORDER", order}});
    loadKernels();
    const CUdeviceptr p = array({1});
    const CUstream s = stream();
    ASSERT_EQ(cuStreamBeginCapture_v2(s, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    ASSERT_EQ(launch(add, p, 1, 1, s), CUDA_SUCCESS);
    ASSERT_EQ(launch(multiply, p, 3, 1, s), CUDA_SUCCESS);
    CUgraph graph = nullptr;
    ASSERT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
    EXPECT_EQ(read(p, 1)[0], 1u) << "a capture runs nothing";
    const CUgraphExec exec = instantiated(graph);
    ASSERT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
    ASSERT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
    ASSERT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
    ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
    EXPECT_EQ(read(p, 1)[0], 21u) << order;
    EXPECT_EQ(cuGraphExecDestroy(exec), CUDA_SUCCESS);
  }
}

TEST_F(DriverGraphTest, shouldCaptureForksAndJoinsAcrossStreams) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1}), q = array({1});
  const CUstream main = stream(), side = stream();
  CUevent fork = nullptr, join = nullptr;
  ASSERT_EQ(cuEventCreate(&fork, 2), CUDA_SUCCESS);
  ASSERT_EQ(cuEventCreate(&join, 2), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamBeginCapture_v2(main, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL), CUDA_SUCCESS);
  ASSERT_EQ(launch(add, p, 4, 1, main), CUDA_SUCCESS);
  ASSERT_EQ(cuEventRecord(fork, main), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamWaitEvent(side, fork, 0), CUDA_SUCCESS);
  ASSERT_EQ(launch(add, q, 7, 1, side), CUDA_SUCCESS);
  ASSERT_EQ(launch(multiply, p, 2, 1, main), CUDA_SUCCESS);
  EXPECT_EQ(cuEventQuery(fork), CUDA_ERROR_CAPTURED_EVENT);
  ASSERT_EQ(cuEventRecord(join, side), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamWaitEvent(main, join, 0), CUDA_SUCCESS);
  ASSERT_EQ(launch(multiply, q, 2, 1, main), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cuStreamEndCapture(main, &graph), CUDA_SUCCESS);
  size_t edges = 0;
  EXPECT_EQ(cuGraphGetEdges(graph, nullptr, nullptr, &edges), CUDA_SUCCESS);
  EXPECT_EQ(edges, 4u);
  ASSERT_EQ(cuGraphLaunch(instantiated(graph), main), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(main), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 10u);
  EXPECT_EQ(read(q, 1)[0], 16u);
}

TEST_F(DriverGraphTest, shouldRefuseACaptureThatIsNotJoined) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream main = stream(), side = stream();
  CUevent fork = nullptr;
  ASSERT_EQ(cuEventCreate(&fork, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamBeginCapture_v2(main, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
  ASSERT_EQ(cuEventRecord(fork, main), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamWaitEvent(side, fork, 0), CUDA_SUCCESS);
  ASSERT_EQ(launch(add, p, 1, 1, side), CUDA_SUCCESS);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(side, &graph), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  EXPECT_EQ(cuStreamEndCapture(main, &graph), CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  EXPECT_EQ(graph, nullptr);
}

TEST_F(DriverGraphTest, shouldInvalidateACaptureByACallThatMaySynchronise) {
  start();
  const CUstream s = stream();
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
  CUdeviceptr p = 0;
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
  EXPECT_EQ(cuStreamIsCapturing(s, &status), CUDA_SUCCESS);
  EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_INVALIDATED);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(cuMemAlloc_v2(&p, 4), CUDA_SUCCESS);
}

TEST_F(DriverGraphTest, shouldRefuseTheLegacyStreamWhileABlockingOneIsCaptured) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream s = stream(0);
  ASSERT_EQ(cuStreamBeginCapture_v2(nullptr, CU_STREAM_CAPTURE_MODE_GLOBAL),
            CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CU_STREAM_CAPTURE_MODE_RELAXED), CUDA_SUCCESS);
  EXPECT_EQ(launch(add, p, 1, 1, nullptr), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
}

TEST_F(DriverGraphTest, shouldFindACapturedCopyOfPageableMemory) {
  expectedFindings = 1;
  start();
  const CUdeviceptr p = array({1});
  const CUstream s = stream();
  uint32_t pageable = 5;
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
  EXPECT_EQ(cuMemcpyHtoDAsync_v2(p, &pageable, 4, s), CUDA_ERROR_INVALID_VALUE);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
}

TEST_F(DriverGraphTest, shouldRunNodesByTheirEdges) {
  start();
  loadKernels();
  CUdeviceptr p = array({5});
  uint32_t two = 2, three = 3;
  void *adding[] = {&p, &three}, *multiplying[] = {&p, &two};
  CUgraph graph = nullptr;
  ASSERT_EQ(cuGraphCreate(&graph, 0), CUDA_SUCCESS);
  const auto addition = kernelNode(add, adding), product = kernelNode(multiply, multiplying);
  const CUDA_MEMSET_NODE_PARAMS clearing{p, 0, 0, 4, 1, 1};
  static int calls;
  calls = 0;
  const CUDA_HOST_NODE_PARAMS counting{[](void*) { ++calls; }, nullptr};
  CUgraphNode nodes[4];
  // Added in the reverse of their order, so that it is the edges that count.
  ASSERT_EQ(cuGraphAddHostNode(&nodes[3], graph, nullptr, 0, &counting), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddKernelNode_v2(&nodes[2], graph, nullptr, 0, &product), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddKernelNode_v2(&nodes[1], graph, nullptr, 0, &addition), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddMemsetNode(&nodes[0], graph, nullptr, 0, &clearing, context), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddDependencies(graph, nodes, nodes + 1, 3), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphAddDependencies(graph, nodes + 3, nodes, 1), CUDA_ERROR_INVALID_VALUE) << "a cycle";
  int type = -1;
  EXPECT_EQ(cuGraphNodeGetType(nodes[0], &type), CUDA_SUCCESS);
  EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_MEMSET);
  const CUstream s = stream();
  ASSERT_EQ(cuGraphLaunch(instantiated(graph), s), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 6u);
  EXPECT_EQ(calls, 1);
}

TEST_F(DriverGraphTest, shouldChangeAKernelsParametersInAnExecutableGraph) {
  start();
  loadKernels();
  CUdeviceptr p = array({1});
  uint32_t value = 2;
  void* parameters[] = {&p, &value};
  CUgraph graph = nullptr;
  CUgraphNode node = nullptr;
  ASSERT_EQ(cuGraphCreate(&graph, 0), CUDA_SUCCESS);
  auto node2 = kernelNode(add, parameters);
  ASSERT_EQ(cuGraphAddKernelNode_v2(&node, graph, nullptr, 0, &node2), CUDA_SUCCESS);
  const CUgraphExec exec = instantiated(graph);
  ASSERT_EQ(cuGraphLaunch(exec, nullptr), CUDA_SUCCESS);  // queued with 2
  value = 10;
  ASSERT_EQ(cuGraphExecKernelNodeSetParams_v2(exec, node, &node2), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphLaunch(exec, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 13u);
  CUDA_KERNEL_NODE_PARAMS original{};
  ASSERT_EQ(cuGraphKernelNodeGetParams_v2(node, &original), CUDA_SUCCESS);
  EXPECT_EQ(*static_cast<uint32_t*>(original.kernelParams[1]), 2u) << "the graph itself is as it was";
}

TEST_F(DriverGraphTest, shouldUpdateAnExecutableGraphOfTheSameShapeOnly) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream s = stream();
  const auto captured = [&](uint32_t value, int launches) {
    CUgraph graph = nullptr;
    EXPECT_EQ(cuStreamBeginCapture_v2(s, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
    for (int i = 0; i < launches; ++i) EXPECT_EQ(launch(add, p, value, 1, s), CUDA_SUCCESS);
    EXPECT_EQ(cuStreamEndCapture(s, &graph), CUDA_SUCCESS);
    return graph;
  };
  const CUgraphExec exec = instantiated(captured(1, 2));
  CUgraphExecUpdateResultInfo info{};
  EXPECT_EQ(cuGraphExecUpdate_v2(exec, captured(5, 3), &info), CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
  EXPECT_EQ(cuGraphExecUpdate_v2(exec, captured(5, 2), &info), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphLaunch(exec, s), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 11u);
}

TEST_F(DriverGraphTest, shouldRunAGraphInsideAGraphAndItsClone) {
  start();
  loadKernels();
  const CUdeviceptr p = array({1});
  const CUstream s = stream();
  CUgraph inner = nullptr, outer = nullptr, clone = nullptr;
  ASSERT_EQ(cuStreamBeginCapture_v2(s, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_SUCCESS);
  ASSERT_EQ(launch(add, p, 3, 1, s), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamEndCapture(s, &inner), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphCreate(&outer, 0), CUDA_SUCCESS);
  CUgraphNode first = nullptr, second = nullptr, found = nullptr;
  ASSERT_EQ(cuGraphAddChildGraphNode(&first, outer, nullptr, 0, inner), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphAddChildGraphNode(&second, outer, &first, 1, inner), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphClone(&clone, outer), CUDA_SUCCESS);
  EXPECT_EQ(cuGraphNodeFindInClone(&found, second, clone), CUDA_SUCCESS);
  EXPECT_EQ(found, nodesOf(clone)[1]);
  ASSERT_EQ(cuGraphDestroy(outer), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphLaunch(instantiated(clone), s), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(s), CUDA_SUCCESS);
  EXPECT_EQ(read(p, 1)[0], 7u);
}

}  // namespace
}  // namespace softcuda
