// Where this library lies, and the Java classes that belong to it.
#pragma once

#include <string>

namespace coxswain::host {

// This library's own file.
std::string libraryPath();

// The class path asked for (`option`, may be NULL; else $COX_JAR) with FOLDER/* expanded, or the jars beside
// the library. Throws COX_ERROR_JVM where there is none or an entry does not exist.
std::string findClassPath(const char* option);

}  // namespace coxswain::host
