// What newer compilers' runtime libraries take from a glibc after 2.34, in terms of an older one: linked into
// the bundle's copies of libgcc_s.so.1 and libstdc++.so.6, which so run from 2.34 on.
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#define HIDDEN __attribute__((visibility("hidden")))

// glibc 2.36; std::random_device's source.
extern "C" HIDDEN uint32_t arc4random() {
  uint32_t value;
  if (getrandom(&value, sizeof value, 0) != sizeof value) abort();
  return value;
}

#if __GLIBC_PREREQ(2, 35)
namespace {

struct Search {
  uintptr_t address;
  dl_find_object* result;
};

constexpr int kFound = 1;
constexpr int kWithoutFrames = 2;

// Answers for the object that holds the address: where it lies and its table of frames.
int examine(dl_phdr_info* object, size_t, void* data) {
  const Search* search = static_cast<const Search*>(data);
  uintptr_t begin = UINTPTR_MAX, end = 0, frames = 0;
  bool inside = false;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    uintptr_t start = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_GNU_EH_FRAME) frames = start;
    if (segment.p_type != PT_LOAD) continue;
    inside |= search->address - start < segment.p_memsz;
    if (start < begin) begin = start;
    if (start + segment.p_memsz > end) end = start + segment.p_memsz;
  }
  if (!inside) return 0;
  if (frames == 0) return kWithoutFrames;
  search->result->dlfo_map_start = reinterpret_cast<void*>(begin);
  search->result->dlfo_map_end = reinterpret_cast<void*>(end);
  search->result->dlfo_eh_frame = reinterpret_cast<void*>(frames);
  return kFound;
}

}  // namespace

// glibc 2.35; how the unwinder finds an address's frames.
extern "C" HIDDEN int _dl_find_object(void* address, dl_find_object* result) noexcept {
  Search search{reinterpret_cast<uintptr_t>(address), result};
  return dl_iterate_phdr(examine, &search) == kFound ? 0 : -1;
}
#endif
