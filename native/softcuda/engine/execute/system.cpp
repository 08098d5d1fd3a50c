#include "execute/system.h"

#include <cstdio>
#include <cstring>

#include "execute/access.h"

namespace softcuda {
namespace {

uint64_t argument(Warp& w, const CallDetail& call, size_t index, int lane) {
  uint64_t bits = 0;
  const Frame& frame = *w.split->frame;
  std::memcpy(&bits, frame.params + lane * frame.function->paramBytes + call.arguments[index],
              call.argumentBytes[index]);
  return bits;
}

void result(Warp& w, const CallDetail& call, int lane, uint64_t bits) {
  if (call.results.empty()) return;
  Frame& frame = *w.split->frame;
  std::memcpy(frame.params + lane * frame.function->paramBytes + call.results[0], &bits, call.resultBytes[0]);
}

std::string textAt(Warp& w, int lane, uint64_t address) {
  std::string text;
  for (; text.size() < 4096; ++address) {
    char c = static_cast<char>(*genericByte(w, lane, address));
    if (c == '\0') break;
    text += c;
  }
  return text;
}

}  // namespace

std::string formatted(Warp& w, int lane, uint64_t format, uint64_t arguments) {
  std::string pattern = textAt(w, lane, format), out;
  uint64_t at = arguments;
  auto take = [&](unsigned bytes) {
    at = (at + bytes - 1) / bytes * bytes;
    uint64_t bits = 0;
    for (unsigned i = 0; i < bytes; ++i)
      bits |= static_cast<uint64_t>(*genericByte(w, lane, at + i)) << 8 * i;
    at += bytes;
    return bits;
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      out += pattern[i];
      continue;
    }
    std::string piece = "%";
    bool wide = false;
    for (++i; i < pattern.size() && std::strchr("0123456789.+- #*hlLjzt", pattern[i]) != nullptr; ++i) {
      if (pattern[i] == '*') {
        piece += std::to_string(static_cast<int32_t>(take(4)));
      } else if (std::strchr("lLjzt", pattern[i]) != nullptr) {
        wide = true;
      } else if (pattern[i] != 'h') {
        piece += pattern[i];
      }
    }
    char kind = i < pattern.size() ? pattern[i] : '%';
    char buffer[512];
    if (kind == '%') {
      out += '%';
      continue;
    }
    if (kind == 's') {
      std::string text = textAt(w, lane, take(8));
      std::snprintf(buffer, sizeof buffer, (piece + "s").c_str(), text.c_str());
    } else if (std::strchr("eEfFgGaA", kind) != nullptr) {
      uint64_t bits = take(8);
      double value;
      std::memcpy(&value, &bits, 8);
      std::snprintf(buffer, sizeof buffer, (piece + kind).c_str(), value);
    } else if (kind == 'p') {
      std::snprintf(buffer, sizeof buffer, (piece + "p").c_str(), reinterpret_cast<void*>(take(8)));
    } else if (kind == 'c') {
      std::snprintf(buffer, sizeof buffer, (piece + "c").c_str(), static_cast<int>(take(4)));
    } else if (std::strchr("diuxXo", kind) != nullptr) {
      bool negative = kind == 'd' || kind == 'i';
      uint64_t bits = wide ? take(8) : take(4);
      long long value = wide       ? static_cast<long long>(bits)
                        : negative ? static_cast<int32_t>(bits)
                                   : static_cast<long long>(bits);
      std::snprintf(buffer, sizeof buffer, (piece + "ll" + kind).c_str(), value);
    } else {
      std::snprintf(buffer, sizeof buffer, "%%%c", kind);
    }
    out += buffer;
  }
  return out;
}

void systemCall(Warp& w, const CallDetail& call, int lane) {
  Launch& launch = *w.cta->launch;
  if (call.system == "vprintf") {
    std::string text = formatted(w, lane, argument(w, call, 0, lane), argument(w, call, 1, lane));
    std::lock_guard<std::mutex> lock(launch.mutex);
    if (launch.options.print)
      launch.options.print(text);
    else
      std::fputs(text.c_str(), stdout);
    result(w, call, lane, text.size());
  } else if (call.system == "malloc") {
    result(w, call, lane,
           launch.memory.allocate(argument(w, call, 0, lane), Memory::Space::device,
                                  "malloc in " + launch.kernel.info.name));
  } else if (call.system == "free") {
    uint64_t base = argument(w, call, 0, lane);
    if (base != 0 && !launch.memory.release(base))
      throw LaunchFault{Fault::illegalAddress, "free in device code of what malloc did not give"};
  } else {
    std::array<uint32_t, 3> thread = threadOf(*w.cta, w.index, lane);
    const auto& cta = w.cta->at;
    auto triple = [](const std::array<uint32_t, 3>& v) {
      return "[" + std::to_string(v[0]) + "," + std::to_string(v[1]) + "," + std::to_string(v[2]) + "]";
    };
    throw LaunchFault{Fault::deviceAssert,
                      textAt(w, lane, argument(w, call, 1, lane)) + ":" +
                          std::to_string(static_cast<uint32_t>(argument(w, call, 2, lane))) + ": " +
                          textAt(w, lane, argument(w, call, 3, lane)) + ": block: " + triple(cta) +
                          ", thread: " + triple(thread) + " Assertion `" +
                          textAt(w, lane, argument(w, call, 0, lane)) + "` failed."};
  }
}

}  // namespace softcuda
