// The linker, as far as it is a way to load one PTX text: the "cubin" that it makes is the PTX itself.
#include <fstream>
#include <iterator>
#include <string>

#include "call.h"

namespace softcuda {
namespace {

struct Link {
  std::string ptx;
};

Handles<CUlinkState, Link>& links() {
  static Handles<CUlinkState, Link>& all = *new Handles<CUlinkState, Link>;
  return all;
}

constexpr int ptxInput = 1;

template <class Body>
CUresult withLink(const char* function, CUlinkState handle, const void* given, Body&& body) {
  return guarded(function, Needs::context, [&](Call&) {
    const auto link = links().find(handle);
    if (!link) return CUDA_ERROR_INVALID_HANDLE;
    return given ? body(*link) : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult addPtx(const char* function, Link& link, int type, std::string ptx) {
  if (type != ptxInput) return refuse(function, CUDA_ERROR_NO_BINARY_FOR_GPU, "softcuda links PTX only");
  if (!link.ptx.empty())
    return refuse(function, CUDA_ERROR_NOT_SUPPORTED, "softcuda links one PTX text only");
  link.ptx = std::move(ptx);
  return CUDA_SUCCESS;
}

}  // namespace

CU_API cuLinkCreate_v2(unsigned, int*, void**, CUlinkState* out) {
  return guarded(__func__, Needs::context, [&](Call&) {
    if (!out) return CUDA_ERROR_INVALID_VALUE;
    *out = links().add(std::make_shared<Link>());
    return CUDA_SUCCESS;
  });
}

CU_API cuLinkAddData_v2(CUlinkState handle, int type, void* data, size_t bytes, const char*, unsigned, int*,
                        void**) {
  return withLink(__func__, handle, data, [&](Link& link) {
    return addPtx("cuLinkAddData_v2", link, type, std::string(static_cast<const char*>(data), bytes));
  });
}

CU_API cuLinkAddFile_v2(CUlinkState handle, int type, const char* path, unsigned, int*, void**) {
  return withLink(__func__, handle, path, [&](Link& link) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return CUDA_ERROR_FILE_NOT_FOUND;
    return addPtx("cuLinkAddFile_v2", link, type, std::string(std::istreambuf_iterator<char>(in), {}));
  });
}

CU_API cuLinkComplete(CUlinkState handle, void** image, size_t* bytes) {
  return withLink(__func__, handle, image, [&](Link& link) {
    if (link.ptx.empty()) return CUDA_ERROR_INVALID_VALUE;
    *image = link.ptx.data();
    if (bytes) *bytes = link.ptx.size() + 1;
    return CUDA_SUCCESS;
  });
}

CU_API cuLinkDestroy(CUlinkState handle) {
  return guarded(__func__, Needs::context,
                 [&](Call&) { return links().remove(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; });
}

}  // namespace softcuda
