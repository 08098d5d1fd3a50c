#include "count/counts.h"

#include <sstream>

#include "execute/handlers.h"

namespace softcuda {

std::string_view nameOf(Class kind) {
  static constexpr std::string_view names[] = {
      "int",    "fp32",  "fp64",  "half",   "convert", "move",    "predicate", "special", "load", "store",
      "shared", "local", "param", "atomic", "shuffle", "barrier", "control",   "mma",     "copy", "other"};
  return names[static_cast<size_t>(kind)];
}

Counters collect(const Launch& launch, const std::vector<std::unique_ptr<Worker>>& workers) {
  Counters all;
  for (const auto& worker : workers) {
    all += worker->counters;
    for (const auto& function : launch.kernel.program->functions) {
      for (size_t i = 0; i < function->code.size(); ++i) {
        uint64_t warps = worker->warpCounts[function->countBase + i],
                 threads = worker->threadCounts[function->countBase + i];
        if (warps == 0) continue;
        const Instr& in = function->code[i];
        all.warpInstructions += warps;
        all.threadInstructions += threads;
        all.byClass[std::string(nameOf(in.kind))] += threads;
        if (in.kind == Class::mma) all.mma += warps;
        if (in.run == jump || in.run == branch || in.run == branchIndexed) all.branches += warps;
      }
    }
  }
  all.launches = 1;
  all.ctas = launch.ctaCount;
  all.warps = launch.ctaCount * ((launch.threadsPerCta + 31) / 32);
  return all;
}

Counters& Counters::operator+=(const Counters& o) {
  launches += o.launches, ctas += o.ctas, warps += o.warps;
  warpInstructions += o.warpInstructions, threadInstructions += o.threadInstructions;
  for (const auto& [name, count] : o.byClass) byClass[name] += count;
  mma += o.mma, mmaFlops += o.mmaFlops;
  for (auto [mine, theirs] :
       {std::pair(&globalLoad, &o.globalLoad), std::pair(&globalStore, &o.globalStore)}) {
    mine->requests += theirs->requests, mine->sectors += theirs->sectors;
    mine->usefulBytes += theirs->usefulBytes, mine->idealSectors += theirs->idealSectors;
  }
  distinctLoadBytes += o.distinctLoadBytes, distinctStoreBytes += o.distinctStoreBytes;
  atomics += o.atomics, sharedRequests += o.sharedRequests, sharedWavefronts += o.sharedWavefronts;
  sharedConflicts += o.sharedConflicts;
  branches += o.branches, divergentBranches += o.divergentBranches, barriers += o.barriers;
  localRequests += o.localRequests;
  return *this;
}

std::string Counters::json() const {
  std::ostringstream out;
  auto access = [&](const char* name, const Access& a) {
    out << ",\"" << name << "\":{\"requests\":" << a.requests << ",\"sectors\":" << a.sectors
        << ",\"usefulBytes\":" << a.usefulBytes << ",\"idealSectors\":" << a.idealSectors << "}";
  };
  out << "{\"launches\":" << launches << ",\"ctas\":" << ctas << ",\"warps\":" << warps
      << ",\"warpInstructions\":" << warpInstructions << ",\"threadInstructions\":" << threadInstructions
      << ",\"byClass\":{";
  const char* comma = "";
  for (const auto& [name, count] : byClass) {
    out << comma << "\"" << name << "\":" << count;
    comma = ",";
  }
  out << "},\"mma\":" << mma << ",\"mmaFlops\":" << mmaFlops;
  access("globalLoad", globalLoad);
  access("globalStore", globalStore);
  out << ",\"distinctLoadBytes\":" << distinctLoadBytes << ",\"distinctStoreBytes\":" << distinctStoreBytes
      << ",\"atomics\":" << atomics << ",\"sharedRequests\":" << sharedRequests
      << ",\"sharedWavefronts\":" << sharedWavefronts << ",\"sharedConflicts\":" << sharedConflicts
      << ",\"branches\":" << branches << ",\"divergentBranches\":" << divergentBranches
      << ",\"barriers\":" << barriers << ",\"localRequests\":" << localRequests << "}";
  return out.str();
}

}  // namespace softcuda
