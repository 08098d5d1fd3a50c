// Asynchronous work: what a stream queues and a graph's node describes.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "cuda_abi.h"
#include "softcuda/engine/engine.h"

namespace softcuda {

struct Context;
struct Event;
struct Function;
struct Graph;

struct KernelWork {
  std::shared_ptr<Function> function;
  LaunchShape shape;
  std::vector<std::byte> parameters;  // the parameter block, copied when the launch is called
};

// A copy of boxes of bytes. An address is a host's or a device's: one address space.
struct CopyWork {
  uint64_t source = 0, destination = 0;
  uint64_t width = 0, height = 1, depth = 1;  // bytes, rows, slices
  uint64_t sourcePitch = 0, sourceSlice = 0, destinationPitch = 0, destinationSlice = 0;  // bytes
  bool sourceOnDevice = false, destinationOnDevice = false;
  std::shared_ptr<std::vector<std::byte>> staged;  // pageable source, copied before the call returned
  CUDA_MEMCPY3D asked{};                           // for graphs' GetParams
};

struct MemsetWork {
  CUDA_MEMSET_NODE_PARAMS asked{};
};

struct HostWork {
  CUDA_HOST_NODE_PARAMS asked{};
};

struct EmptyWork {};

struct RecordWork {
  std::shared_ptr<Event> event;
};

struct WaitWork {
  std::shared_ptr<Event> event;
};

struct ChildWork {
  std::shared_ptr<Graph> graph;
};

// Work of a library that stands on the driver (our cuBLAS).
struct LibraryWork {
  std::string name;
  std::function<CUresult()> run;
};

using Work = std::variant<KernelWork, CopyWork, MemsetWork, HostWork, EmptyWork, RecordWork, WaitWork,
                          ChildWork, LibraryWork>;

// Executes one piece now, on the calling thread, the driver's lock held. Host functions, events and child
// graphs are the queue's and the graph's matter.
CUresult execute(Context&, const KernelWork&);
CUresult execute(Context&, const CopyWork&);
CUresult execute(Context&, const MemsetWork&);

// Whether the copy's or memset's device side lies in live allocations; else the reason, for a log line.
bool validRanges(Context&, const CopyWork&, std::string* why);
bool validRanges(Context&, const MemsetWork&, std::string* why);

}  // namespace softcuda
