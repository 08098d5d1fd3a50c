#include "engine_instruction.h"

namespace softcuda::test {
namespace {

std::string width(const std::string& type) {
  std::string digits = type.substr(type.find_first_of("0123456789"));
  return digits;
}

std::string shifted(const std::string& type) { return std::to_string(std::stoi(width(type)) / 8); }

}  // namespace

std::string instructionText(const std::string& dType, const std::string& aType, const std::string& bType,
                            const std::string& cType, const std::string& code) {
  std::string text = ".reg .b64 %rd<9>; .reg .b32 %r<9>; .reg .pred %p<9>;\n";
  auto declare = [&](const char* name, const std::string& type) {
    text += ".reg .b" + width(type) + " " + name + ";\n";
  };
  declare("%d", dType), declare("%a", aType), declare("%b", bType), declare("%c", cType);
  text += "mov.u32 %r0, %ctaid.x; mov.u32 %r1, %tid.x; mad.lo.u32 %r0, %r0, 64, %r1;\n";
  const char* names[] = {"%a", "%b", "%c"};
  const std::string* types[] = {&aType, &bType, &cType};
  for (int i = 0; i < 3; ++i) {
    text += "ld.param.u64 %rd1, [p" + std::to_string(i + 1) + "]; mad.wide.u32 %rd2, %r0, " +
            shifted(*types[i]) + ", %rd1; ld.global.b" + width(*types[i]) + " " + names[i] + ", [%rd2];\n";
  }
  text += code + "\nld.param.u64 %rd1, [p0]; mad.wide.u32 %rd2, %r0, " + shifted(dType) +
          ", %rd1; st.global.b" + width(dType) + " [%rd2], %d;";
  return kernelText(".param .u64 p0, .param .u64 p1, .param .u64 p2, .param .u64 p3", text);
}

}  // namespace softcuda::test
