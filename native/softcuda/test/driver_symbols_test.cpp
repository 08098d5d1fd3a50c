// A symbol that is missing when it is called kills the JVM: every name that JCuda imports is there.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

namespace softcuda {
namespace {

std::vector<std::string> names(const std::string& table, const std::string& prefix) {
  std::ifstream in(table);
  std::vector<std::string> found;
  for (std::string line; std::getline(in, line);)
    if (line.rfind(prefix, 0) == 0) found.push_back(line);
  return found;
}

TEST(DriverSymbolsTest, shouldExportEveryEntryPointOfTheDriver) {
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto symbols = names(SOFTCUDA_SOURCE "/driver/symbols.txt", "cu");
  EXPECT_EQ(symbols.size(), 650u);
  for (const std::string& symbol : symbols) EXPECT_NE(dlsym(library, symbol.c_str()), nullptr) << symbol;
}

TEST(DriverSymbolsTest, shouldExportEveryEntryPointOfCublasWithTheVersionThatJcublasAsksFor) {
  void* library = dlopen("libcublas.so.12", RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto symbols = names(SOFTCUDA_SOURCE "/blas/symbols.txt", "cublas");
  EXPECT_EQ(symbols.size(), 494u);
  for (const std::string& symbol : symbols)
    EXPECT_NE(dlvsym(library, symbol.c_str(), "libcublas.so.12"), nullptr) << symbol;
}

}  // namespace
}  // namespace softcuda
