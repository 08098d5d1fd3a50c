#include "class_path.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <vector>

#include "failure.h"

namespace cox::host {
namespace {

namespace fs = std::filesystem;

std::string named(const char* classPath, const char* by) {
  std::istringstream entries(classPath);
  for (std::string entry; std::getline(entries, entry, ':');) {
    std::error_code ignored;
    if (!entry.empty() && !fs::exists(entry, ignored)) {
      fail(COX_ERROR_JVM, "%s names %s, which does not exist: name Coxswain's jar", by, entry.c_str());
    }
  }
  return classPath;
}

// All jars of the library's folder, if Coxswain's is among them.
std::string besideLibrary() {
  fs::path folder = fs::path(libraryPath()).parent_path();
  std::vector<std::string> jars;
  bool own = false;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".jar") continue;
    own = own || entry.path().filename().string().rfind("coxswain", 0) == 0;
    jars.push_back(entry.path().string());
  }
  if (!own) {
    fail(COX_ERROR_JVM, "no coxswain*.jar beside %s: set COX_JAR or class_path to Coxswain's jar",
         libraryPath().c_str());
  }
  std::sort(jars.begin(), jars.end());
  std::string joined;
  for (const std::string& jar : jars) joined += (joined.empty() ? "" : ":") + jar;
  return joined;
}

}  // namespace

std::string libraryPath() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&libraryPath), &info) == 0 || info.dli_fname == nullptr) {
    fail(COX_ERROR_INTERNAL, "the dynamic loader does not know this library");
  }
  std::error_code error;
  fs::path real = fs::canonical(info.dli_fname, error);
  return error ? info.dli_fname : real.string();
}

std::string findClassPath(const char* option) {
  if (option != nullptr) return named(option, "class_path");
  const char* environment = std::getenv("COX_JAR");
  if (environment != nullptr && *environment != '\0') return named(environment, "COX_JAR");
  return besideLibrary();
}

}  // namespace cox::host
