// The driver's objects. One lock (Driver::gate) guards all of them; call.h takes it in every entry point.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cuda_abi.h"
#include "handles.h"
#include "presets.h"
#include "queue.h"
#include "settings.h"
#include "softcuda/engine/engine.h"
#include "work.h"

namespace softcuda {

struct Graph;
struct GraphExec;
struct Node;

struct Device {
  int ordinal = 0;
  const Preset* preset = nullptr;
  DeviceLimits limits;
  std::unique_ptr<Memory> memory;
  std::shared_ptr<Context> primary;
  int primaryRetains = 0;
  unsigned primaryFlags = 0;
};

// A graph that streams are being captured into.
struct Capture {
  uint64_t id = 0;
  std::shared_ptr<Graph> graph;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  std::thread::id thread;
  CUstream origin = nullptr;
  bool invalidated = false;
};

struct Stream {
  CUstream handle = nullptr;
  Context* context = nullptr;
  unsigned flags = 0;  // CU_STREAM_NON_BLOCKING: not ordered with the legacy default stream
  int priority = 0;
  uint64_t id = 0;
  bool legacy = false;
  std::shared_ptr<Op> tail;
  std::shared_ptr<Capture> capture;             // set while this stream is captured
  std::vector<std::shared_ptr<Node>> captured;  // what the next captured node comes after

  bool blocking() const { return (flags & CU_STREAM_NON_BLOCKING) == 0; }
};

struct Event {
  CUevent handle = nullptr;
  Context* context = nullptr;
  unsigned flags = 0;
  bool recorded = false;
  std::shared_ptr<Op> op;
  std::shared_ptr<Capture> capture;  // recorded in a captured stream
  std::vector<std::shared_ptr<Node>> captured;
};

struct LoadedModule {
  CUmodule handle = nullptr;
  Context* context = nullptr;
  std::unique_ptr<Module> module;
  std::map<std::string, CUfunction, std::less<>> functions;
  int ptxVersion = 0;  // 90: .version 9.0
};

struct Function {
  CUfunction handle = nullptr;
  std::shared_ptr<LoadedModule> module;
  const Kernel* kernel = nullptr;
  int maxDynamicShared = 0;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
  int sharedCarveout = -1;
};

// Memory that the caller must give back.
struct Block {
  uint64_t base = 0, bytes = 0;
  Context* context = nullptr;
  Memory::Space space = Memory::Space::device;
  unsigned flags = 0;
  uint64_t serial = 0;
  CUmemoryPool pool = nullptr;
  std::string label;  // "cuMemAlloc_v2 #17"
};

struct Pool {
  CUmemoryPool handle = nullptr;
  Device* device = nullptr;
  uint64_t releaseThreshold = 0, used = 0, usedHigh = 0;
  bool isDefault = false;
  std::map<int, uint64_t> flags;
};

struct Context : std::enable_shared_from_this<Context> {
  CUcontext handle = nullptr;
  Device* device = nullptr;
  bool primary = false, destroyed = false;
  unsigned flags = 0;
  uint64_t id = 0;
  CUresult sticky = CUDA_SUCCESS;   // every call fails with it until the context ends
  CUresult pending = CUDA_SUCCESS;  // of asynchronous work, told once by the next synchronisation
  std::shared_ptr<Stream> legacy;
  std::map<std::thread::id, std::shared_ptr<Stream>> perThread;
  std::vector<std::shared_ptr<Op>>
      orphans;  // last operations of destroyed streams: the legacy one waits for them
  std::map<int, size_t> limits;

  CUresult failure() const { return destroyed ? CUDA_ERROR_CONTEXT_IS_DESTROYED : sticky; }
  void fail(CUresult);  // an asynchronous failure; the codes of a broken context stick
  CUresult takePending();
};

// Everything. One an operating system process, never destroyed.
struct Driver {
  std::mutex gate;
  Settings settings;
  bool initialized = false, ending = false;
  std::vector<std::unique_ptr<Device>> devices;
  Queue queue{gate};

  Handles<CUcontext, Context> contexts;
  Handles<CUstream, Stream> streams;
  Handles<CUevent, Event> events;
  Handles<CUmodule, LoadedModule> modules;
  Handles<CUfunction, Function> functions;
  Handles<CUlibrary, LoadedModule> libraries;
  Handles<CUgraph, Graph> graphs;
  Handles<CUgraphNode, Node> nodes;
  Handles<CUgraphExec, GraphExec> graphExecs;
  Handles<CUmemoryPool, Pool> pools;
  std::map<uint64_t, Block> blocks;  // by base
  std::set<std::shared_ptr<Capture>> captures;

  uint64_t calls = 0, allocations = 0, launches = 0, copies = 0, ids = 0, epoch = 0;
  bool lost = false;

  static Driver& get();
  CUresult initialize();
  void reset();  // as a process that has not called cuInit yet; settings from the environment again

  std::shared_ptr<Context> createContext(Device&, unsigned flags, bool primary);
  void destroyContext(const std::shared_ptr<Context>&);  // waits, reports leaks, frees what it owns

  // The stream that a handle means in a context: null and the two special values too; null: no such.
  std::shared_ptr<Stream> stream(Context&, CUstream);
  const Block* blockAt(uint64_t address) const;  // the live block that holds it
};

// Queues work in a stream, or adds it as a node to the graph that the stream is being captured into.
CUresult enqueue(Stream&, Work);
// The operation after everything that the stream holds; ordered with the legacy stream as CUDA says.
std::shared_ptr<Op> submitInOrder(Stream&, std::vector<std::shared_ptr<Op>> alsoAfter,
                                  std::function<CUresult()> run, Op::HostCall host = {});
void awaitStream(Stream&);

// Whether the null stream of the call that runs on this thread is the thread's own.
bool nullStreamIsPerThread();

// The calling thread's stack of contexts.
std::vector<std::shared_ptr<Context>>& contextStack();
std::shared_ptr<Context> currentContext();  // null: none

}  // namespace softcuda
