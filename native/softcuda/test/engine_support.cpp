#include "engine_support.h"

#include <algorithm>

namespace softcuda::test {

std::string kernelText(const std::string& parameters, const std::string& body, const std::string& globals) {
  return ".version 8.0\n.target sm_90\n.address_size 64\n" + globals + "\n.visible .entry k(" + parameters +
         ")\n{\n" + body + "\nret;\n}\n";
}

LaunchResult Device::run(const std::string& ptx, const LaunchShape& shape,
                         const std::vector<uint64_t>& parameters, const std::string& kernel) {
  std::unique_ptr<Module> module = Module::load(ptx, memory, limits);
  const Kernel* found = module->kernel(kernel);
  EXPECT_NE(found, nullptr) << kernel;
  return launch(*found, shape, reinterpret_cast<const std::byte*>(parameters.data()), parameters.size() * 8,
                memory, limits, options);
}

std::string textOf(const LaunchResult& result) {
  std::string text = result.message;
  for (const Finding& each : result.findings) text += "\n" + each.text;
  return text;
}

bool found(const LaunchResult& result, Check check) {
  return std::any_of(result.findings.begin(), result.findings.end(),
                     [&](const Finding& each) { return each.check == check; });
}

}  // namespace softcuda::test
