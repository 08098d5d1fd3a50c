#include "java_home.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "failure.h"

namespace coxswain::host {
namespace {

namespace fs = std::filesystem;
constexpr int kOldest = 17;

// 17 of JAVA_VERSION="17.0.15", 8 of "1.8.0_402".
int parseFeature(const std::string& version) {
  const char* digits = version.c_str();
  if (version.rfind("1.", 0) == 0) digits += 2;
  return std::atoi(digits);
}

int readFeature(const fs::path& home) {
  std::ifstream release(home / "release");
  const std::string key = "JAVA_VERSION=\"";
  for (std::string line; std::getline(release, line);) {
    if (line.rfind(key, 0) == 0) return parseFeature(line.substr(key.size()));
  }
  return 0;
}

std::optional<JavaHome> at(const fs::path& home) {
  std::error_code ignored;
  fs::path libjvm = home / "lib" / "server" / "libjvm.so";
  if (!fs::exists(libjvm, ignored)) return std::nullopt;
  return JavaHome{libjvm.string(), readFeature(home)};
}

bool tooOld(const JavaHome& home) { return home.feature != 0 && home.feature < kOldest; }

JavaHome named(const char* home, const char* by) {
  std::optional<JavaHome> found = at(home);
  if (!found) {
    fail(COX_ERROR_JVM, "%s names %s, which has no lib/server/libjvm.so: name a Java %d or newer", by, home,
         kOldest);
  }
  if (tooOld(*found)) {
    fail(COX_ERROR_JVM, "%s names %s, which is Java %d: name a Java %d or newer", by, home, found->feature,
         kOldest);
  }
  return *found;
}

// The home of the first `java` on the PATH, links followed: HOME/bin/java.
std::optional<JavaHome> onPath() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::error_code error;
    fs::path java = fs::canonical(fs::path(folder) / "java", error);
    if (!error) return at(java.parent_path().parent_path());
  }
  return std::nullopt;
}

std::optional<JavaHome> newestInstalled() {
  std::vector<JavaHome> homes;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr/lib/jvm", ignored)) {
    if (std::optional<JavaHome> home = at(entry.path())) homes.push_back(*home);
  }
  if (homes.empty()) return std::nullopt;
  return *std::max_element(homes.begin(), homes.end(), [](const JavaHome& a, const JavaHome& b) {
    return std::tie(a.feature, a.libjvm) < std::tie(b.feature, b.libjvm);
  });
}

}  // namespace

int featureOf(const std::string& libjvm) {
  return readFeature(fs::path(libjvm).parent_path().parent_path().parent_path());
}

JavaHome findJavaHome(const char* option) {
  if (option != nullptr) return named(option, "java_home");
  const char* own = std::getenv("COX_JAVA_HOME");
  if (own != nullptr && *own != '\0') return named(own, "COX_JAVA_HOME");
  const char* common = std::getenv("JAVA_HOME");
  std::optional<JavaHome> candidates[] = {common == nullptr ? std::nullopt : at(common), onPath(),
                                          newestInstalled()};
  for (const std::optional<JavaHome>& candidate : candidates) {
    if (candidate && !tooOld(*candidate)) return *candidate;
  }
  fail(COX_ERROR_JVM,
       "no Java %d or newer found in JAVA_HOME, on the PATH or in /usr/lib/jvm: install one (apt-get install "
       "openjdk-17-jre-headless) or set COX_JAVA_HOME",
       kOldest);
}

}  // namespace coxswain::host
