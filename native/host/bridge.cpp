#include "bridge.h"

#include <mutex>

#include "jvm.h"

namespace coxswain::host {
namespace {

#define COX_HOST "dev/coxswain/host/"
#define COX_OPENS "(Ljava/lang/Object;Ljava/lang/Object;J)Ljava/lang/Object;"
#define COX_RUNS "(Ljava/lang/Object;J)I"

// Entry points catch everything; what still arrives here comes from the JVM itself.
void clearException(JNIEnv* env, const char* doing) {
  if (!env->ExceptionCheck()) return;
  env->ExceptionClear();
  fail(COX_ERROR_INTERNAL, "the JVM threw an exception while %s", doing);
}

jmethodID method(JNIEnv* env, jclass type, const char* name, const char* signature) {
  jmethodID found = env->GetStaticMethodID(type, name, signature);
  if (found == nullptr) {
    env->ExceptionClear();
    fail(COX_ERROR_JVM,
         "the jar's HostBridge has no method %s: it is of another version than this library, %s", name,
         cox_version());
  }
  return found;
}

jclass hostBridge(JNIEnv* env) {
  jclass local = env->FindClass(COX_HOST "HostBridge");
  if (local != nullptr) return static_cast<jclass>(env->NewGlobalRef(local));
  env->ExceptionClear();
  fail(COX_ERROR_JVM, joinedJvm() ? "the JVM that runs in this process has no dev.coxswain.host.HostBridge: "
                                    "add Coxswain's jar to its "
                                    "class path"
                                  : "the class path has no dev.coxswain.host.HostBridge: name Coxswain's jar "
                                    "in COX_JAR or class_path");
}

void requireVersion(JNIEnv* env, jclass type) {
  jint version = env->CallStaticIntMethod(type, method(env, type, "version", "()I"));
  clearException(env, "loading HostBridge");
  if (version != kBridgeVersion) {
    fail(COX_ERROR_JVM,
         "the jar speaks version %d of the host bridge, this library %d: use those of one build",
         static_cast<int>(version), static_cast<int>(kBridgeVersion));
  }
}

Bridge load(JNIEnv* env) {
  jclass type = hostBridge(env);
  requireVersion(env, type);
  auto opens = [&](const char* name) { return method(env, type, name, COX_OPENS); };
  auto runs = [&](const char* name) { return method(env, type, name, COX_RUNS); };
  Bridge bridge{};
  bridge.type = type;
  bridge.openEngine = opens("openEngine");
  bridge.loadSae = opens("loadSae");
  bridge.compilePlan = opens("compilePlan");
  bridge.openLane = opens("openLane");
  bridge.openObserver = opens("openObserver");
  bridge.openHarvest = opens("openHarvest");
  bridge.layer = method(env, type, "layer", "(Ldev/coxswain/host/HostLane;)I");
  bridge.statistics = runs("statistics");
  bridge.observe = runs("observe");
  bridge.append = runs("append");
  bridge.finishHarvest = runs("finishHarvest");
  bridge.writeVocabulary = runs("writeVocabulary");
  bridge.hash = runs("hash");
  bridge.close = runs("close");
  return bridge;
}

}  // namespace

const Bridge& Bridge::get() {
  static std::mutex once;
  static Bridge* loaded = nullptr;
  std::lock_guard<std::mutex> lock(once);
  if (loaded == nullptr) loaded = new Bridge(load(attachedEnv()));
  return *loaded;
}

void requireDone(JNIEnv* env, int code, const ErrorBuffer& error) {
  clearException(env, "calling Coxswain");
  if (code != COX_OK) throw Failure{code, std::string(error.text, static_cast<size_t>(error.bytes))};
}

std::unique_ptr<JavaObject> Bridge::open(jmethodID method, const JavaObject* first, const JavaObject* second,
                                         const Arguments& arguments) const {
  JNIEnv* env = attachedEnv();
  jobject local = env->CallStaticObjectMethod(type, method, first == nullptr ? nullptr : first->get(),
                                              second == nullptr ? nullptr : second->get(), arguments.block());
  requireDone(env, arguments.error().code, arguments.error());
  return std::make_unique<JavaObject>(env, local);
}

void Bridge::run(jmethodID method, const JavaObject& object, const Arguments& arguments) const {
  JNIEnv* env = attachedEnv();
  jint code = env->CallStaticIntMethod(type, method, object.get(), arguments.block());
  requireDone(env, code, arguments.error());
}

JavaObject::JavaObject(JNIEnv* env, jobject local) : global_(env->NewGlobalRef(local)) {
  env->DeleteLocalRef(local);
  if (global_ == nullptr) throw std::bad_alloc();
}

JavaObject::~JavaObject() {
  try {
    Arguments arguments;
    const Bridge& bridge = Bridge::get();
    JNIEnv* env = attachedEnv();
    env->CallStaticIntMethod(bridge.type, bridge.close, global_, arguments.block());
    if (env->ExceptionCheck()) env->ExceptionClear();
    env->DeleteGlobalRef(global_);
  } catch (const Failure&) {
    // The thread cannot be attached: the object stays with the JVM, which loses nothing but memory.
  }
}

}  // namespace coxswain::host
