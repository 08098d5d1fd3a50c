// Kernel launches, and functions of the host in a stream.
#include "launch.h"

namespace softcuda {
namespace {

CUresult launchIn(const char* entryPoint, const LaunchRequest& request, CUstream handle) {
  return guarded(entryPoint, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    KernelWork work;
    if (const CUresult bad = prepareLaunch(call, entryPoint, request, &work)) return bad;
    return enqueue(*stream, std::move(work));
  });
}

}  // namespace

CU_API cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                      unsigned bz, unsigned sharedBytes, CUstream stream, void** parameters, void** extra) {
  return launchIn(__func__, {function, {gx, gy, gz}, {bx, by, bz}, sharedBytes, parameters, extra}, stream);
}

CU_API cuLaunchCooperativeKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                                 unsigned by, unsigned bz, unsigned sharedBytes, CUstream stream,
                                 void** parameters) {
  return launchIn(__func__, {function, {gx, gy, gz}, {bx, by, bz}, sharedBytes, parameters, nullptr, true},
                  stream);
}

CU_API cuLaunchKernelEx(const CUlaunchConfig* config, CUfunction function, void** parameters, void** extra) {
  if (!config || (config->numAttrs && !config->attrs)) return CUDA_ERROR_INVALID_VALUE;
  const CUlaunchConfig& c = *config;
  LaunchRequest request{function,
                        {c.gridDimX, c.gridDimY, c.gridDimZ},
                        {c.blockDimX, c.blockDimY, c.blockDimZ},
                        c.sharedMemBytes,
                        parameters,
                        extra};
  for (unsigned i = 0; i < c.numAttrs; ++i) {
    const CUlaunchAttribute& attribute = c.attrs[i];
    if (attribute.id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE)
      request.cooperative = attribute.value.cooperative != 0;
    const unsigned* cluster = attribute.value.clusterDim;
    if (attribute.id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION &&
        uint64_t(cluster[0]) * cluster[1] * cluster[2] > 1)
      return refuse(__func__, CUDA_ERROR_NOT_SUPPORTED, "clusters of more than one CTA are not served");
  }
  return launchIn(__func__, request, c.hStream);
}

CU_API cuLaunchHostFunc(CUstream handle, CUhostFn function, void* userData) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    return function ? enqueue(*stream, HostWork{{function, userData}}) : CUDA_ERROR_INVALID_VALUE;
  });
}

CU_API cuStreamAddCallback(CUstream handle, CUstreamCallback callback, void* userData, unsigned flags) {
  return guarded(__func__, Needs::context, [&](Call& call) {
    const auto stream = call.driver.stream(*call.context, handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!callback || flags) return CUDA_ERROR_INVALID_VALUE;
    if (stream->capture) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    submitInOrder(*stream, {}, nullptr, {[=](CUresult status) { callback(handle, status, userData); }, true});
    return CUDA_SUCCESS;
  });
}

}  // namespace softcuda
