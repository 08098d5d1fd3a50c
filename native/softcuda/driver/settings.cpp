#include "settings.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include "presets.h"
#include "softcuda/engine/engine.h"

extern "C" char** environ;

namespace softcuda {
namespace {

bool parseNumber(const std::string& text, uint64_t* out) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  char* end = nullptr;
  *out = std::strtoull(text.c_str(), &end, 0);
  const std::string unit = end;
  const std::map<std::string, int> shifts{{"", 0}, {"K", 10}, {"M", 20}, {"G", 30}};
  const auto shift = shifts.find(unit);
  if (shift == shifts.end()) return false;
  *out <<= shift->second;
  return true;
}

bool parseBool(const std::string& text, bool* out) {
  *out = text == "1";
  return text == "0" || text == "1";
}

// "12.0" or "13.0": 12000, 13000.
bool parseVersion(const std::string& text, int* out) {
  int major = 0, minor = 0, used = 0;
  if (std::sscanf(text.c_str(), "%d.%d%n", &major, &minor, &used) != 2 || used != int(text.size()))
    return false;
  if (major < 11 || major > 13 || minor < 0 || minor > 9) return false;
  *out = major * 1000 + minor * 10;
  return true;
}

// "N" or "N:CODE".
bool parseFault(const std::string& text, CUresult code, InjectedFault* out) {
  const size_t colon = text.find(':');
  uint64_t at = 0, number = code;
  if (!parseNumber(text.substr(0, colon), &at)) return false;
  if (colon != std::string::npos && !parseNumber(text.substr(colon + 1), &number)) return false;
  *out = {at, static_cast<CUresult>(number)};
  return true;
}

bool parseOrder(const std::string& text, Order* out) {
  const std::map<std::string, Order> orders{
      {"late", Order::late}, {"random", Order::random}, {"eager", Order::eager}};
  const auto order = orders.find(text);
  if (order == orders.end()) return false;
  *out = order->second;
  return true;
}

// "all,-global-race,-pageable" or "bounds,barrier": names switched on, with '-' off, from left to right.
bool parseChecks(const std::string& text, Settings* settings) {
  const std::map<std::string, Check> names{{"all", Check::all},
                                           {"bounds", Check::bounds},
                                           {"uninitialized", Check::uninitialized},
                                           {"barrier", Check::barrier},
                                           {"shared-race", Check::sharedRace},
                                           {"global-race", Check::globalRace}};
  uint32_t checks = 0;
  bool pageable = false;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    const bool off = !item.empty() && item[0] == '-';
    const std::string name = off ? item.substr(1) : item;
    if (name == "pageable" || name == "all") pageable = !off;
    if (name == "pageable" || name == "none") continue;
    const auto check = names.find(name);
    if (check == names.end()) return false;
    const uint32_t bits = static_cast<uint32_t>(check->second);
    checks = off ? checks & ~bits : checks | bits;
  }
  settings->checks = checks | static_cast<uint32_t>(Check::bounds);
  settings->checkPageable = pageable;
  return true;
}

bool parsePositiveInt(const std::string& text, int limit, int* out) {
  uint64_t number = 0;
  if (!parseNumber(text, &number) || number < 1 || number > uint64_t(limit)) return false;
  *out = int(number);
  return true;
}

}  // namespace

bool Settings::set(const std::string& name, const std::string& value) {
  const char* wanted = "a number";
  bool good = true;
  if (name == "DEVICE_PRESET") {
    good = findPreset(value) != nullptr, wanted = "sm_80, sm_89 or sm_90", preset = value;
  } else if (name == "DEVICES") {
    good = parsePositiveInt(value, 16, &devices), wanted = "1 to 16";
  } else if (name == "DRIVER_VERSION") {
    good = parseVersion(value, &driverVersion), wanted = "a CUDA version such as 12.0";
  } else if (name == "MEMORY") {
    good = parseNumber(value, &memoryBytes), wanted = "bytes, or a number with K, M or G";
  } else if (name == "NO_DEVICE") {
    good = parseBool(value, &noDevice), wanted = "0 or 1";
  } else if (name == "ORDER") {
    good = parseOrder(value, &order), wanted = "late, random or eager";
  } else if (name == "SEED") {
    good = parseNumber(value, &seed);
  } else if (name == "CHECKS") {
    good = parseChecks(value, this);
    wanted =
        "a list of all, none, bounds, uninitialized, shared-race, global-race, barrier, pageable, or -NAME";
  } else if (name == "LEAKS") {
    good = parseBool(value, &leaks), wanted = "0 or 1";
  } else if (name == "TRACE") {
    good = parseBool(value, &trace), wanted = "0 or 1";
  } else if (name == "THREADS") {
    good = parsePositiveInt(value, 1024, &threads), wanted = "1 to 1024";
  } else if (name == "BUDGET") {
    good = parseNumber(value, &instructionBudget), wanted = "a number of warp instructions";
  } else if (name == "PROGRESS_MS") {
    good = parseNumber(value, &progressMilliseconds), wanted = "milliseconds";
  } else if (name == "FAIL_ALLOCATION") {
    good = parseFault(value, CUDA_ERROR_OUT_OF_MEMORY, &allocation), wanted = "N or N:CODE";
  } else if (name == "FAIL_LAUNCH") {
    good = parseFault(value, CUDA_ERROR_LAUNCH_FAILED, &launch), wanted = "N or N:CODE";
  } else if (name == "FAIL_COPY") {
    good = parseFault(value, CUDA_ERROR_LAUNCH_FAILED, &copy), wanted = "N or N:CODE";
  } else if (name == "LOSE_DEVICE") {
    good = parseFault(value, CUDA_ERROR_UNKNOWN, &lost), wanted = "N or N:CODE";
  } else if (name == "FINDINGS") {
    findingsFile = value;
  } else if (name == "COUNTERS") {
    countersFile = value;
    count = !value.empty();
  } else if (name == "BLAS_ORDER") {  // this and the next are read by our libcublas
    good = value == "fixed" || value == "random", wanted = "fixed or random";
  } else if (name == "BLAS_VERSION") {
    int version = 0;
    good = parsePositiveInt(value, 1000000, &version), wanted = "a version such as 120600";
  } else {
    error = "SOFTCUDA_" + name + " is no setting of the software CUDA driver";
    return false;
  }
  if (!good) error = "SOFTCUDA_" + name + "='" + value + "': expected " + wanted;
  return good;
}

Settings Settings::fromEnvironment() {
  Settings settings;
  constexpr const char* prefix = "SOFTCUDA_";
  for (char** entry = environ; entry && *entry; ++entry) {
    if (std::strncmp(*entry, prefix, std::strlen(prefix)) != 0) continue;
    const std::string line = *entry + std::strlen(prefix);
    const size_t equals = line.find('=');
    if (!settings.set(line.substr(0, equals), line.substr(equals + 1))) break;
  }
  return settings;
}

}  // namespace softcuda
