// Sizes and offsets of CUDA 13.0's cuda.h on 64-bit Linux.
#include <cstddef>

#include "softcuda/driver/cuda_abi.h"

static_assert(sizeof(CUDA_MEMCPY2D) == 128 && offsetof(CUDA_MEMCPY2D, dstMemoryType) == 72);
static_assert(sizeof(CUDA_MEMCPY3D) == 200 && offsetof(CUDA_MEMCPY3D, srcPitch) == 72);
static_assert(offsetof(CUDA_MEMCPY3D, dstLOD) == 112 && offsetof(CUDA_MEMCPY3D, Depth) == 192);
static_assert(sizeof(CUDA_KERNEL_NODE_PARAMS) == 72 && sizeof(CUDA_KERNEL_NODE_PARAMS_v1) == 56);
static_assert(sizeof(CUDA_MEMSET_NODE_PARAMS) == 40 && sizeof(CUDA_HOST_NODE_PARAMS) == 16);
static_assert(sizeof(CUgraphNodeParams) == 256 && offsetof(CUgraphNodeParams, memset) == 16);
static_assert(sizeof(CUgraphEdgeData) == 8 && sizeof(CUgraphExecUpdateResultInfo) == 24);
static_assert(sizeof(CUDA_GRAPH_INSTANTIATE_PARAMS) == 32);
static_assert(sizeof(CUlaunchAttribute) == 72 && offsetof(CUlaunchAttribute, value) == 8);
static_assert(sizeof(CUlaunchConfig) == 56 && offsetof(CUlaunchConfig, hStream) == 32);
static_assert(sizeof(CUmemPoolProps) == 88 && offsetof(CUmemPoolProps, maxSize) == 24);
static_assert(sizeof(CUdevprop) == 56 && sizeof(CUuuid) == 16);
