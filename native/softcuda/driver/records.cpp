#include "records.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>

namespace softcuda {
namespace {

struct KernelRecord {
  KernelInfo info;
  uint32_t dynamicShared = 0;  // the most of all launches
  Counters counters;
};

struct Records {
  std::mutex mutex;
  std::string findingsFile, countersFile;
  int findings = 0;
  std::map<std::string, KernelRecord> kernels;
};

// Never destroyed: the library's last words come after static destructors.
Records& records() {
  static Records& all = *new Records;
  return all;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const unsigned char c : text) {
    char escape[8];
    if (c == '"' || c == '\\')
      (out += '\\') += char(c);
    else if (c == '\n')
      out += "\\n";
    else if (c < 0x20)
      std::snprintf(escape, sizeof escape, "\\u%04x", c), out += escape;
    else
      out += char(c);
  }
  return out + '"';
}

void append(const std::string& file, const std::string& lines) {
  FILE* out = std::fopen(file.c_str(), "a");
  if (!out || std::fwrite(lines.data(), 1, lines.size(), out) != lines.size())
    say("cannot write '" + file + "'");
  if (out) std::fclose(out);
}

const char* nameOf(Check check) {
  switch (check) {
    case Check::bounds:
      return "bounds";
    case Check::uninitialized:
      return "uninitialized";
    case Check::sharedRace:
      return "shared-race";
    case Check::globalRace:
      return "global-race";
    case Check::barrier:
      return "barrier";
    default:
      return "launch";
  }
}

std::string triple(const std::array<uint32_t, 3>& t) {
  return '[' + std::to_string(t[0]) + ',' + std::to_string(t[1]) + ',' + std::to_string(t[2]) + ']';
}

void record(const std::string& json, const std::string& text) {
  Records& all = records();
  const std::lock_guard<std::mutex> hold(all.mutex);
  ++all.findings;
  say("FINDING " + text);
  if (!all.findingsFile.empty()) append(all.findingsFile, json + "\n");
}

std::string json(const KernelRecord& kernel) {
  const KernelInfo& info = kernel.info;
  std::string opcodes;
  for (const std::string& opcode : info.opcodes) opcodes += (opcodes.empty() ? "" : ",") + quoted(opcode);
  return "{\"kernel\":" + quoted(info.name) + ",\"launches\":" + std::to_string(kernel.counters.launches) +
         ",\"counters\":" + kernel.counters.json() +
         ",\"static\":{\"parameter_bytes\":" + std::to_string(info.parameterBytes) +
         ",\"shared_bytes\":" + std::to_string(info.staticShared) +
         ",\"dynamic_shared_bytes\":" + std::to_string(kernel.dynamicShared) +
         ",\"local_bytes\":" + std::to_string(info.localBytes) +
         ",\"max_threads\":" + std::to_string(info.maxThreads) + ",\"opcodes\":[" + opcodes + "]}}\n";
}

}  // namespace

void say(const std::string& line) { std::fprintf(stderr, "softcuda: %s\n", line.c_str()); }

void setRecordFiles(const Settings& settings) {
  Records& all = records();
  const std::lock_guard<std::mutex> hold(all.mutex);
  all.findingsFile = settings.findingsFile;
  all.countersFile = settings.countersFile;
}

void reportFinding(const Finding& finding) {
  record("{\"check\":" + quoted(nameOf(finding.check)) + ",\"kernel\":" + quoted(finding.kernel) +
             ",\"source\":" + quoted(finding.source) + ",\"ptx_line\":" + std::to_string(finding.ptxLine) +
             ",\"cta\":" + triple(finding.cta) + ",\"thread\":" + triple(finding.thread) +
             ",\"address\":" + std::to_string(finding.address) + ",\"text\":" + quoted(finding.text) + "}",
         finding.text);
}

void reportFinding(const std::string& check, const std::string& text) {
  record("{\"check\":" + quoted(check) + ",\"text\":" + quoted(text) + "}", check + ": " + text);
}

int findingCount() {
  const std::lock_guard<std::mutex> hold(records().mutex);
  return records().findings;
}

void addCounters(const KernelInfo& info, uint32_t dynamicShared, const Counters& counters) {
  Records& all = records();
  const std::lock_guard<std::mutex> hold(all.mutex);
  KernelRecord& kernel = all.kernels[info.name];
  kernel.info = info;
  kernel.dynamicShared = std::max(kernel.dynamicShared, dynamicShared);
  kernel.counters += counters;
}

void dumpCounters() {
  Records& all = records();
  const std::lock_guard<std::mutex> hold(all.mutex);
  std::string lines;
  for (const auto& [name, kernel] : all.kernels) lines += json(kernel);
  all.kernels.clear();
  if (!all.countersFile.empty() && !lines.empty()) append(all.countersFile, lines);
}

void forgetRecords() {
  Records& all = records();
  const std::lock_guard<std::mutex> hold(all.mutex);
  all.findings = 0;
  all.kernels.clear();
}

}  // namespace softcuda
