#include "jvm.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "class_path.h"
#include "failure.h"
#include "java_home.h"

namespace coxswain::host {
namespace {

std::atomic<JavaVM*> machine{nullptr};
bool joined = false;

// The environment of a thread that the library attached, NULL before and after. A plain pointer, so that a
// static object's destructor may still call in.
thread_local JNIEnv* attached = nullptr;

// Its destructor detaches when the thread ends. A C++ thread_local would do so in the main thread too, before
// static objects are destroyed.
pthread_key_t detacher;

void detach(void*) {
  attached = nullptr;
  machine.load()->DetachCurrentThread();
}

void keepAttached(JNIEnv* env) {
  attached = env;
  pthread_setspecific(detacher, env);
}

using GetCreated = jint (*)(JavaVM**, jsize, jsize*);
using Create = jint (*)(JavaVM**, void**, void*);

// The libjvm.so that is loaded already, "" if none. Whoever loaded it may have kept its symbols local.
std::string loadedLibjvm() {
  std::string path;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* result) {
        const char* name = std::strrchr(info->dlpi_name, '/');
        bool found = name != nullptr && std::strcmp(name, "/libjvm.so") == 0;
        if (found) *static_cast<std::string*>(result) = info->dlpi_name;
        return found ? 1 : 0;
      },
      &path);
  return path;
}

template <typename Function>
Function symbol(void* library, const char* name) {
  auto function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) fail(COX_ERROR_JVM, "libjvm.so has no %s", name);
  return function;
}

void* load(const std::string& libjvm) {
  void* library = dlopen(libjvm.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fail(COX_ERROR_JVM, "cannot load the JVM: %s", dlerror());
  return library;
}

JavaVM* created(void* library) {
  JavaVM* found = nullptr;
  jsize count = 0;
  symbol<GetCreated>(library, "JNI_GetCreatedJavaVMs")(&found, 1, &count);
  return count > 0 ? found : nullptr;
}

// What the JVM says while it starts: the reason, if it does not.
char startupWords[512];
size_t startupBytes = 0;
std::atomic<bool> starting{false};

jint JNICALL hear(FILE* stream, const char* format, va_list values) {
  if (!starting.load(std::memory_order_relaxed)) return std::vfprintf(stream, format, values);
  size_t room = sizeof startupWords - startupBytes;
  int written = std::vsnprintf(startupWords + startupBytes, room, format, values);
  if (written > 0) startupBytes += std::min(static_cast<size_t>(written), room - 1);
  return written;
}

bool choosesCollector(const std::string& option) {
  return option.rfind("-XX:+Use", 0) == 0 && option.size() > 2 && option.substr(option.size() - 2) == "GC";
}

std::vector<std::string> optionLines(const JvmOptions& options, const JavaHome& home) {
  std::vector<std::string> lines = {
      "-Djava.class.path=" + findClassPath(options.classPath),
      "-Xrs",  // else SIGINT, SIGTERM and SIGHUP would be the JVM's
      "-Xmx512m",
      "-Xss512k",
      "-XX:-UsePerfData",  // its file under /tmp can stall a pause
      "--enable-native-access=ALL-UNNAMED",
  };
  if (home.feature >= 24) lines.push_back("--sun-misc-unsafe-memory-access=allow");
  bool collector = false;
  for (const std::string& option : options.extra) collector = collector || choosesCollector(option);
  if (!collector) lines.push_back("-XX:+UseSerialGC");
  lines.insert(lines.end(), options.extra.begin(), options.extra.end());
  return lines;
}

void start(void* library, const JvmOptions& options, const JavaHome& home) {
  std::vector<std::string> lines = optionLines(options, home);
  std::vector<JavaVMOption> vmOptions;
  for (std::string& line : lines) vmOptions.push_back({line.data(), nullptr});
  char hook[] = "vfprintf";
  vmOptions.push_back({hook, reinterpret_cast<void*>(&hear)});
  JavaVMInitArgs arguments{JNI_VERSION_10, static_cast<jint>(vmOptions.size()), vmOptions.data(), JNI_FALSE};
  JavaVM* vm = nullptr;
  JNIEnv* env = nullptr;
  starting = true;
  jint code = symbol<Create>(library, "JNI_CreateJavaVM")(&vm, reinterpret_cast<void**>(&env), &arguments);
  starting = false;
  if (code != JNI_OK) {
    fail(COX_ERROR_JVM, "the JVM %s would not start (code %d): %s", home.libjvm.c_str(),
         static_cast<int>(code), startupWords);
  }
  std::fputs(startupWords, stderr);
  machine = vm;
  keepAttached(env);
}

void joinOrStart(const JvmOptions& options) {
  if (pthread_key_create(&detacher, detach) != 0)
    fail(COX_ERROR_JVM, "the process has no thread-specific key left");
  std::string loaded = loadedLibjvm();
  JavaHome home = loaded.empty() ? findJavaHome(options.javaHome) : JavaHome{loaded, featureOf(loaded)};
  void* library = load(home.libjvm);
  JavaVM* existing = created(library);
  joined = existing != nullptr;
  if (joined) {
    machine = existing;
  } else {
    start(library, options, home);
  }
  watchForks();
}

// Once a process, however often opening is tried.
void requireDetacher() {
  static const int status = pthread_key_create(&detacher, detach);
  if (status != 0) fail(COX_ERROR_JVM, "the process has no thread-specific key left");
}

}  // namespace

void requireJvm(const JvmOptions& options) {
  static std::mutex once;
  std::lock_guard<std::mutex> lock(once);
  if (machine.load() != nullptr) return;
  requireDetacher();
  joinOrStart(options);
}

bool joinedJvm() { return joined; }

JNIEnv* attachedEnv() {
  if (attached != nullptr) return attached;
  JavaVM* vm = machine.load();
  void* env = nullptr;
  if (vm->GetEnv(&env, JNI_VERSION_10) == JNI_OK) return static_cast<JNIEnv*>(env);
  char name[] = "coxswain-host";
  JavaVMAttachArgs arguments{JNI_VERSION_10, name, nullptr};
  if (vm->AttachCurrentThreadAsDaemon(&env, &arguments) != JNI_OK) {
    fail(COX_ERROR_JVM, "the JVM refuses this thread; has it 128 KiB of stack left?");
  }
  keepAttached(static_cast<JNIEnv*>(env));
  return attached;
}

}  // namespace coxswain::host
