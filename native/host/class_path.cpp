#include "class_path.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <vector>

#include "failure.h"

namespace coxswain::host {
namespace {

namespace fs = std::filesystem;

// The jars of a folder, by name.
std::vector<std::string> jarsOf(const fs::path& folder) {
  std::vector<std::string> jars;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".jar") jars.push_back(entry.path().string());
  }
  std::sort(jars.begin(), jars.end());
  return jars;
}

std::string joined(const std::vector<std::string>& entries) {
  std::string path;
  for (const std::string& entry : entries) path += (path.empty() ? "" : ":") + entry;
  return path;
}

// As the java program reads a class path: FOLDER/* stands for the folder's jars. Only the program does, not
// the JVM.
std::string expanded(const char* classPath, const char* by) {
  std::vector<std::string> all;
  std::istringstream entries(classPath);
  for (std::string entry; std::getline(entries, entry, ':');) {
    if (entry.empty()) continue;
    bool wild = entry.size() > 1 && entry.compare(entry.size() - 2, 2, "/*") == 0;
    std::error_code ignored;
    if (!fs::exists(wild ? entry.substr(0, entry.size() - 1) : entry, ignored)) {
      fail(COX_ERROR_JVM, "%s names %s, which does not exist: name Coxswain's jar", by, entry.c_str());
    }
    std::vector<std::string> found = wild ? jarsOf(fs::path(entry).parent_path()) : std::vector{entry};
    all.insert(all.end(), found.begin(), found.end());
  }
  return joined(all);
}

// All jars of the library's folder, if Coxswain's is among them.
std::string besideLibrary() {
  std::vector<std::string> jars = jarsOf(fs::path(libraryPath()).parent_path());
  auto own = [](const std::string& jar) {
    return fs::path(jar).filename().string().rfind("coxswain", 0) == 0;
  };
  if (std::none_of(jars.begin(), jars.end(), own)) {
    fail(COX_ERROR_JVM, "no coxswain*.jar beside %s: set COX_JAR or class_path to Coxswain's jar",
         libraryPath().c_str());
  }
  return joined(jars);
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
  if (option != nullptr) return expanded(option, "class_path");
  const char* environment = std::getenv("COX_JAR");
  if (environment != nullptr && *environment != '\0') return expanded(environment, "COX_JAR");
  return besideLibrary();
}

}  // namespace coxswain::host
