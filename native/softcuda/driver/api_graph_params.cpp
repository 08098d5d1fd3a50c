// Parameters of graph nodes: what they are, and others.
#include <cstring>

#include "graph_call.h"

namespace softcuda {
namespace {

// The values live as long as the node and its parameters do.
CUresult kernelParameters(const char* function, CUgraphNode handle, CUDA_KERNEL_NODE_PARAMS_v1* out) {
  return withWork<KernelWork>(function, handle, [&](Call&, Node& node, KernelWork& work) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    const auto& [grid, block, shared, cooperative] = work.shape;
    (void)cooperative;
    node.parameterPointers.clear();
    for (const auto& [offset, size] : info(*work.function->kernel).parameters)
      node.parameterPointers.push_back(work.parameters.data() + offset);
    *out = {work.function->handle,         grid[0], grid[1], grid[2], block[0], block[1], block[2], shared,
            node.parameterPointers.data(), nullptr};
    return CUDA_SUCCESS;
  });
}

CUresult setKernelParameters(const char* function, CUgraphNode handle, const CUDA_KERNEL_NODE_PARAMS_v1* p) {
  return withWork<KernelWork>(function, handle, [&](Call& call, Node&, KernelWork& work) {
    KernelWork changed;
    if (const CUresult bad = kernelWork(call, function, p, &changed)) return bad;
    work = std::move(changed);
    return CUDA_SUCCESS;
  });
}

}  // namespace

CU_API cuGraphKernelNodeGetParams_v2(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS* out) {
  if (out) out->kern = nullptr, out->ctx = nullptr;
  return kernelParameters(__func__, node, out);
}
CU_API cuGraphKernelNodeGetParams(CUgraphNode node, CUDA_KERNEL_NODE_PARAMS_v1* out) {
  return kernelParameters(__func__, node, out);
}
CU_API cuGraphKernelNodeSetParams_v2(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS* p) {
  return setKernelParameters(__func__, node, p);
}
CU_API cuGraphKernelNodeSetParams(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS_v1* p) {
  return setKernelParameters(__func__, node, p);
}

// Hints (L2 windows, priorities): accepted, without effect; a query answers zeros.
CU_API cuGraphKernelNodeSetAttribute(CUgraphNode handle, int, const void* value) {
  return withWork<KernelWork>(__func__, handle, [&](Call&, Node&, KernelWork&) {
    return value ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}
CU_API cuGraphKernelNodeGetAttribute(CUgraphNode handle, int, void* value) {
  return withWork<KernelWork>(__func__, handle, [&](Call&, Node&, KernelWork&) {
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    std::memset(value, 0, sizeof(CUlaunchAttribute::value));
    return CUDA_SUCCESS;
  });
}
CU_API cuGraphKernelNodeCopyAttributes(CUgraphNode to, CUgraphNode from) {
  return withWork<KernelWork>(__func__, to, [&](Call& call, Node&, KernelWork&) {
    return call.driver.nodes.find(from) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

CU_API cuGraphMemcpyNodeGetParams(CUgraphNode node, CUDA_MEMCPY3D* out) {
  return withWork<CopyWork>(__func__, node, [&](Call&, Node&, CopyWork& work) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = work.asked;
    return CUDA_SUCCESS;
  });
}
CU_API cuGraphMemcpyNodeSetParams(CUgraphNode node, const CUDA_MEMCPY3D* p) {
  return withWork<CopyWork>(__func__, node, [&](Call& call, Node&, CopyWork& work) {
    return copyWork(call, "cuGraphMemcpyNodeSetParams", p, &work);
  });
}

CU_API cuGraphMemsetNodeGetParams(CUgraphNode node, CUDA_MEMSET_NODE_PARAMS* out) {
  return withWork<MemsetWork>(__func__, node, [&](Call&, Node&, MemsetWork& work) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = work.asked;
    return CUDA_SUCCESS;
  });
}
CU_API cuGraphMemsetNodeSetParams(CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS* p) {
  return withWork<MemsetWork>(__func__, node, [&](Call& call, Node&, MemsetWork& work) {
    return memsetWork(call, "cuGraphMemsetNodeSetParams", p, &work);
  });
}

CU_API cuGraphHostNodeGetParams(CUgraphNode node, CUDA_HOST_NODE_PARAMS* out) {
  return withWork<HostWork>(__func__, node, [&](Call&, Node&, HostWork& work) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = work.asked;
    return CUDA_SUCCESS;
  });
}
CU_API cuGraphHostNodeSetParams(CUgraphNode node, const CUDA_HOST_NODE_PARAMS* p) {
  return withWork<HostWork>(__func__, node, [&](Call&, Node&, HostWork& work) {
    if (!p || !p->fn) return CUDA_ERROR_INVALID_VALUE;
    work.asked = *p;
    return CUDA_SUCCESS;
  });
}

}  // namespace softcuda
