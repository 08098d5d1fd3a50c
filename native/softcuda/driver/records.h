// What a run leaves behind: findings (stderr and SOFTCUDA_FINDINGS) and counters a kernel
// (SOFTCUDA_COUNTERS). Thread-safe, with a lock of its own, so that the end of the process never waits for a
// kernel.
#pragma once

#include <string>

#include "settings.h"
#include "softcuda/engine/engine.h"

namespace softcuda {

void say(const std::string& line);  // "softcuda: line" to stderr

void setRecordFiles(const Settings&);
void reportFinding(const Finding&);
// A finding of the driver itself: a check's name ("pageable", "leak", "unserved", "copy") and what is wrong.
void reportFinding(const std::string& check, const std::string& text);
int findingCount();

void addCounters(const KernelInfo&, uint32_t dynamicShared, const Counters&);
void dumpCounters();   // appends one line a kernel to the file and starts again from zero
void forgetRecords();  // zero findings and counters

}  // namespace softcuda
