// The `cox` of a bundle: starts the Java runtime beside it in this very process. Needs nothing but libc, no
// shell and no /proc. The folder it stands in is laid out by scripts/bundle.sh:
//   cox              this program
//   lib/             jars, libcoxswain.so, the native halves of the Java libraries, jvm.options
//   lib/c++/         libgcc_s.so.1 and libstdc++.so.6, for machines that have none or older ones
//   runtime/         a Java runtime of the modules that are needed
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <initializer_list>

namespace {

// Java's launcher as a library: stable since JDK 6, and what jpackage's programs call.
using Launch = int (*)(int argc, char** argv, int jargc, const char** jargv, int appclassc,
                       const char** appclassv, const char* fullversion, const char* dotversion,
                       const char* pname, const char* lname, unsigned char javaargs, unsigned char cpwildcard,
                       unsigned char javaw, int ergoClass);

[[noreturn]] void die(const char* what, const char* why) {
  fprintf(stderr, "cox: %s: %s\n", what, why);
  exit(1);
}

char* copyOf(const char* text) {
  char* copy = strdup(text);
  if (copy == nullptr) die("starting", "out of memory");
  return copy;
}

// The folder of this program, links followed.
const char* ownFolder() {
  const char* called = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  char* path = called == nullptr ? nullptr : realpath(called, nullptr);
  if (path == nullptr) path = realpath("/proc/self/exe", nullptr);
  char* slash = path == nullptr ? nullptr : strrchr(path, '/');
  if (slash == nullptr) die("cannot find its own folder", "call it by its path");
  *slash = '\0';
  return path;
}

char* inFolder(const char* folder, const char* name) {
  char* path = nullptr;
  if (asprintf(&path, "%s/%s", folder, name) < 0) die("starting", "out of memory");
  return path;
}

// The arguments of a Java launcher, in a list that grows.
class Arguments {
 public:
  void add(const char* argument) {
    if (count_ + 1 >= capacity_) {
      capacity_ = capacity_ == 0 ? 64 : 2 * capacity_;
      list_ = static_cast<char**>(realloc(list_, static_cast<size_t>(capacity_) * sizeof *list_));
      if (list_ == nullptr) die("starting", "out of memory");
    }
    list_[count_++] = copyOf(argument);
    list_[count_] = nullptr;
  }

  // Options of a file, one a line; @HERE@ is the bundle's folder.
  void addLinesOf(const char* file, const char* folder) {
    FILE* lines = fopen(file, "re");
    if (lines == nullptr) die(file, "not there; unpack the bundle again");
    char* line = nullptr;
    size_t size = 0;
    while (getline(&line, &size, lines) > 0) {
      line[strcspn(line, "\n")] = '\0';
      addReplaced(line, folder);
    }
    free(line);
    fclose(lines);
  }

  // Words of an environment variable that is set.
  void addWordsOf(const char* text) {
    if (text == nullptr) return;
    char* words = copyOf(text);
    char* rest = nullptr;
    for (char* word = strtok_r(words, " \t", &rest); word != nullptr; word = strtok_r(nullptr, " \t", &rest))
      add(word);
    free(words);
  }

  int count() const { return count_; }
  char** list() { return list_; }

 private:
  void addReplaced(const char* line, const char* folder) {
    static const char kHere[] = "@HERE@";
    char* whole = copyOf("");
    for (const char* from = line; from != nullptr;) {
      const char* here = strstr(from, kHere);
      int length = here == nullptr ? static_cast<int>(strlen(from)) : static_cast<int>(here - from);
      char* longer = nullptr;
      if (asprintf(&longer, "%s%.*s%s", whole, length, from, here == nullptr ? "" : folder) < 0) {
        die("starting", "out of memory");
      }
      free(whole);
      whole = longer;
      from = here == nullptr ? nullptr : here + sizeof kHere - 1;
    }
    add(whole);
    free(whole);
  }

  char** list_ = nullptr;
  int count_ = 0;
  int capacity_ = 0;
};

// A closed standard stream must not become the first file that something opens.
void openStandardStreams() {
  for (int stream = 0; stream <= 2; ++stream) {
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", stream == 0 ? O_RDONLY : O_WRONLY) < 0) return;
  }
}

// Words and file names are UTF-8, also where the login sets no locale.
void useUtf8() {
  const char* locale = nullptr;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    locale = getenv(name);
    if (locale != nullptr && *locale != '\0') break;
  }
  if (locale == nullptr ||
      (strcasestr(locale, "utf-8") == nullptr && strcasestr(locale, "utf8") == nullptr)) {
    setenv("LC_ALL", "C.UTF-8", 1);
  }
}

void* load(const char* path, int mode) {
  void* library = dlopen(path, mode);
  if (library == nullptr) die("cannot load", dlerror());
  return library;
}

// The C++ runtime of the machine serves where our library loads with it, so that libraries which come later
// (cuBLAS) find what they were built for; else the bundle's own, which whatever asks for these names then
// gets.
void provideCxxRuntime(const char* folder) {
  if (dlopen(inFolder(folder, "lib/libcoxswain.so"), RTLD_NOW | RTLD_LOCAL) != nullptr) return;
  load(inFolder(folder, "lib/c++/libgcc_s.so.1"), RTLD_NOW | RTLD_GLOBAL);
  load(inFolder(folder, "lib/c++/libstdc++.so.6"), RTLD_NOW | RTLD_GLOBAL);
}

}  // namespace

int main(int argc, char** argv) {
  openStandardStreams();
  useUtf8();
  const char* folder = ownFolder();
  provideCxxRuntime(folder);
  void* java = load(inFolder(folder, "runtime/lib/libjli.so"), RTLD_NOW | RTLD_GLOBAL);
  Launch launch = reinterpret_cast<Launch>(dlsym(java, "JLI_Launch"));
  if (launch == nullptr) die("cannot start Java", dlerror());

  Arguments arguments;
  arguments.add(inFolder(folder, "cox"));
  arguments.addLinesOf(inFolder(folder, "lib/jvm.options"), folder);
  if (isatty(STDERR_FILENO) != 0) arguments.add("-Dcox.terminal=true");
  arguments.addWordsOf(getenv("COX_JAVA_OPTIONS"));
  arguments.add("dev.coxswain.cli.Main");
  for (int i = 1; i < argc; ++i) arguments.add(argv[i]);
  return launch(arguments.count(), arguments.list(), 0, nullptr, 0, nullptr, "", "0.0", "cox", "cox", 0, 0, 0,
                0);
}
