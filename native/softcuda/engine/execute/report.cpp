#include <sstream>

#include "execute/launch.h"

namespace softcuda {
namespace {

std::string sourceOf(const ModuleProgram& program, uint32_t location) {
  const auto& where = program.locations[location];
  auto named = [&](uint32_t file, uint32_t line) {
    auto found = program.files.find(file);
    return line == 0 || found == program.files.end() ? std::string()
                                                     : found->second + ":" + std::to_string(line);
  };
  std::string source = named(where.file, where.line), caller = named(where.callerFile, where.callerLine);
  return caller.empty() ? source : source + " (inlined at " + caller + ")";
}

std::string triple(const std::array<uint32_t, 3>& v) {
  return "(" + std::to_string(v[0]) + "," + std::to_string(v[1]) + "," + std::to_string(v[2]) + ")";
}

}  // namespace

std::array<uint32_t, 3> threadOf(const Cta& cta, uint32_t warp, int lane) {
  const auto& block = cta.launch->shape.block;
  uint32_t t = warp * 32 + static_cast<uint32_t>(lane);
  return {t % block[0], t / block[0] % block[1], t / (block[0] * block[1])};
}

void Launch::fail(Fault why, const std::string& what) {
  std::lock_guard<std::mutex> lock(mutex);
  stop = true;
  if (fault != Fault::none) return;
  fault = why;
  message = what;
}

std::string placeOf(const ModuleProgram& program, const Function& function, uint32_t pc) {
  const SourceLine& line = function.lines[pc];
  std::string source = sourceOf(program, line.location);
  return (source.empty() ? std::string() : source + ", ") + "PTX line " + std::to_string(line.ptxLine) +
         ": " + function.opcodes[pc];
}

void report(Warp& w, Check check, int lane, uint64_t address, const std::string& what) {
  Launch& launch = *w.cta->launch;
  if (!launch.checks(check) && check != Check::bounds) return;
  std::lock_guard<std::mutex> lock(launch.mutex);
  // One finding an instruction: the first says it all.
  if (launch.findings.size() >= 16 ||
      !launch.reported.emplace(static_cast<uint32_t>(check), &w.function->code[w.pc]).second)
    return;
  Finding finding;
  finding.check = check;
  finding.kernel = launch.kernel.info.name;
  const SourceLine& line = w.function->lines[w.pc];
  finding.source = sourceOf(*launch.kernel.program, line.location);
  finding.ptxLine = line.ptxLine;
  finding.cta = w.cta->at;
  finding.thread = threadOf(*w.cta, w.index, lane);
  finding.address = address;
  std::ostringstream text;
  text << what << "\n  kernel " << finding.kernel << ", "
       << placeOf(*launch.kernel.program, *w.function, w.pc) << "\n  CTA " << triple(finding.cta)
       << ", thread " << triple(finding.thread);
  if (address != 0) text << ", address 0x" << std::hex << address;
  finding.text = text.str();
  launch.findings.push_back(std::move(finding));
}

}  // namespace softcuda
