// Where a JVM is installed.
#pragma once

#include <string>

namespace coxswain::host {

struct JavaHome {
  std::string libjvm;  // path of libjvm.so
  int feature;         // 17, 25, ...; 0 if its `release` file does not say
};

// The home asked for (`option`, may be NULL; else $COX_JAVA_HOME) or the first of: $JAVA_HOME, that of `java`
// on the PATH, the newest in /usr/lib/jvm. Throws COX_ERROR_JVM where there is none or the one asked for is
// unusable.
JavaHome findJavaHome(const char* option);

// The version that the home of a libjvm.so states, 0 if it states none.
int featureOf(const std::string& libjvm);

}  // namespace coxswain::host
