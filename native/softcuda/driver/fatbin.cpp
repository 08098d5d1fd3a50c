#include "fatbin.h"

#include <dlfcn.h>

#include <cstring>
#include <regex>

namespace softcuda {
namespace {

constexpr uint32_t wrapperMagic = 0x466243b1, fatbinMagic = 0xba55ed50;

struct FatbinWrapper {
  uint32_t magic, version;
  const void* data;
  const void* file;
};

struct FatbinHeader {
  uint32_t magic;
  uint16_t version, headerSize;
  uint64_t size;  // of all entries
};

struct EntryHeader {
  uint16_t kind, version;  // kind 1: PTX, 2: cubin
  uint32_t headerSize;
  uint64_t size;  // of the payload, padded
  uint32_t compressedSize, optionsOffset;
  uint16_t minor, major;
  uint32_t architecture, nameOffset, nameLength;
  uint64_t flags, zero, uncompressedSize;
};
constexpr uint64_t flagLz4 = 0x2000, flagZstd = 0x8000;

// Decompresses with the system's library, which the driver doesn't link with: few images need it.
bool decompress(const EntryHeader& entry, const char* payload, std::string* out, std::string* why) {
  const bool zstd = entry.flags & flagZstd;
  const char* library = zstd ? "libzstd.so.1" : "liblz4.so.1";
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  void* symbol = handle ? dlsym(handle, zstd ? "ZSTD_decompress" : "LZ4_decompress_safe") : nullptr;
  if (!symbol) {
    *why = std::string("the fatbin's PTX is compressed and ") + library +
           " cannot be loaded: compile with --no-compress or install it";
    return false;
  }
  out->resize(entry.uncompressedSize);
  size_t written = 0;
  if (zstd) {
    using Decompress = size_t (*)(void*, size_t, const void*, size_t);
    written = reinterpret_cast<Decompress>(symbol)(out->data(), out->size(), payload, entry.compressedSize);
  } else {
    using Decompress = int (*)(const char*, char*, int, int);
    written = size_t(reinterpret_cast<Decompress>(symbol)(payload, out->data(), int(entry.compressedSize),
                                                          int(out->size())));
  }
  if (written == out->size()) return true;
  *why = "the fatbin's compressed PTX is damaged";
  return false;
}

bool payloadOf(const EntryHeader& entry, const char* payload, std::string* out, std::string* why) {
  if (entry.flags & (flagLz4 | flagZstd)) {
    if (!decompress(entry, payload, out, why)) return false;
  } else {
    out->assign(payload, entry.size);
  }
  out->resize(std::strlen(out->c_str()));  // without the padding
  return true;
}

PtxImage fromFatbin(const char* fatbin, int computeCapability) {
  FatbinHeader header;
  std::memcpy(&header, fatbin, sizeof header);
  const char *at = fatbin + header.headerSize, *end = at + header.size;
  const char* best = nullptr;
  EntryHeader bestEntry{};
  while (at + sizeof(EntryHeader) <= end) {
    EntryHeader entry;
    std::memcpy(&entry, at, sizeof entry);
    constexpr uint16_t ptx = 1;
    if (entry.kind == ptx && int(entry.architecture) <= computeCapability &&
        (!best || entry.architecture > bestEntry.architecture))
      best = at, bestEntry = entry;
    at += entry.headerSize + entry.size;
  }
  if (!best)
    return {CUDA_ERROR_NO_BINARY_FOR_GPU, "the fatbin has no PTX for sm_" +
                                              std::to_string(computeCapability) +
                                              " or older (softcuda runs no cubin)"};
  PtxImage image;
  std::string why;
  if (!payloadOf(bestEntry, best + bestEntry.headerSize, &image.text, &why))
    return {CUDA_ERROR_INVALID_IMAGE, why};
  return image;
}

int numberAfter(const std::string& ptx, const char* pattern) {
  std::smatch match;
  // The directives stand in the first lines; comments may come before.
  const std::string head = ptx.substr(0, 4096);
  if (!std::regex_search(head, match, std::regex(pattern))) return 0;
  return std::stoi(match[1].str() + (match.size() > 2 ? match[2].str() : ""));
}

}  // namespace

PtxImage findPtx(const void* image, int computeCapability) {
  const char* bytes = static_cast<const char*>(image);
  uint32_t magic = 0;
  if (*bytes == '\0') return {CUDA_ERROR_INVALID_IMAGE, "the image is empty"};
  if (strnlen(bytes, 4) == 4) std::memcpy(&magic, bytes, 4);
  if (magic == wrapperMagic) {
    FatbinWrapper wrapper;
    std::memcpy(&wrapper, bytes, sizeof wrapper);
    return fromFatbin(static_cast<const char*>(wrapper.data), computeCapability);
  }
  if (magic == fatbinMagic) return fromFatbin(bytes, computeCapability);
  if (std::strncmp(bytes, "\177ELF", 4) == 0)
    return {CUDA_ERROR_NO_BINARY_FOR_GPU, "a cubin: softcuda runs PTX only"};
  return {CUDA_SUCCESS, bytes};
}

int ptxVersion(const std::string& ptx) { return numberAfter(ptx, R"((?:^|\n)\s*\.version\s+(\d+)\.(\d))"); }
int ptxTarget(const std::string& ptx) { return numberAfter(ptx, R"((?:^|\n)\s*\.target\s+sm_(\d+))"); }

int newestPtxVersion(int cudaVersion) {
  const int major = cudaVersion / 1000, minor = cudaVersion % 1000 / 10;
  if (major == 11) return 70 + minor;
  if (major == 12) return 80 + (minor < 6 ? minor : minor - 1);  // 12.5 and 12.6 both have 8.5
  return 90 + minor;
}

}  // namespace softcuda
