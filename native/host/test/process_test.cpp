// What can happen once a process only: how a JVM is found, joined, or refused. Each scenario is a process of
// its own: this program, started again with the scenario's name.
#include <dlfcn.h>
#include <jni.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <sstream>
#include <thread>

#include "host_fixture.h"

namespace coxswain::host::test {
namespace {

// Opens an engine and says how that went.
int tryEngine(const cox_engine_options& options) {
  cox_engine* engine = nullptr;
  int status = cox_engine_open(&options, &engine);
  std::printf("%d %s\n", status, status == COX_OK ? "" : cox_last_error());
  return status;
}

int tryEngine() { return tryEngine(coxswain::sized<cox_engine_options>()); }

// Opens an engine and steers with it.
void steerOneRow() {
  Weights weights = writeSae(scratch() / "sae", kWidth, kFeatures, 1);
  coxswain::Engine engine;
  coxswain::Sae sae(engine, (scratch() / "sae").string());
  coxswain::Plan plan(engine, sae, kLayer, addPlan(3, 2));
  coxswain::Lane lane(engine);
  std::vector<float> x = randomRows(1, kWidth, 2);
  std::vector<float> y = x;
  lane.begin({row(1, plan.get(), 1)});
  lane.layer(block(y.data(), 1));
  lane.end();
  std::printf("%s\n", y == added(x, weights, 3, 2) ? "steered" : "wrong");
}

// A folder whose name is not ASCII.
void foreignName() {
  std::filesystem::path folder = scratch() / "na\xc3\xafve \xe8\x88\xb5";
  writeSae(folder, kWidth, kFeatures, 1);
  coxswain::Engine engine;
  try {
    std::printf("%d\n", coxswain::Sae(engine, folder.string()).describe().width);
  } catch (const coxswain::Error& error) {
    std::printf("%d %s\n", error.status(), error.what());
  }
}

void badJvmOption() {
  auto options = coxswain::sized<cox_engine_options>();
  const char* const lines[] = {"-Xno-such-option"};
  options.jvm_options = lines;
  options.n_jvm_options = 1;
  tryEngine(options);
}

void withOptions() {
  auto options = coxswain::sized<cox_engine_options>();
  const char* const lines[] = {"-Xmx64m", "-XX:+UseParallelGC"};
  options.jvm_options = lines;
  options.n_jvm_options = 2;
  tryEngine(options);
}

// A host that has a JVM already, with this class path.
void startJvm(const std::string& classPath) {
  std::string option = "-Djava.class.path=" + classPath;
  JavaVMOption vmOptions[] = {{option.data(), nullptr}};
  JavaVMInitArgs arguments{JNI_VERSION_10, 1, vmOptions, JNI_TRUE};
  JavaVM* vm = nullptr;
  void* env = nullptr;
  void* library = dlopen(std::getenv("COX_TEST_LIBJVM"), RTLD_NOW | RTLD_LOCAL);
  using Create = jint (*)(JavaVM**, void**, void*);
  auto create = reinterpret_cast<Create>(dlsym(library, "JNI_CreateJavaVM"));
  if (create(&vm, &env, &arguments) != JNI_OK) std::abort();
}

// $COX_JAR with FOLDER/* written out, which a JVM started through JNI wants.
std::string plainClassPath() {
  std::istringstream entries(std::getenv("COX_JAR"));
  std::string plain;
  for (std::string entry; std::getline(entries, entry, ':');) {
    if (entry.empty() || entry.back() != '*') {
      plain += entry + ":";
      continue;
    }
    entry.pop_back();
    for (const auto& jar : std::filesystem::directory_iterator(entry)) plain += jar.path().string() + ":";
  }
  return plain;
}

void joinJvm() {
  startJvm(plainClassPath());
  steerOneRow();
}

void joinStrangeJvm() {
  startJvm("/tmp");
  tryEngine();
}

// A million pieces do not fit 16 MB of Java heap: the call fails, the engine goes on.
void outOfMemory() {
  auto options = coxswain::sized<cox_engine_options>();
  const char* const lines[] = {"-Xmx16m"};
  options.jvm_options = lines;
  options.n_jvm_options = 1;
  coxswain::Engine engine(options);
  std::vector<const char*> pieces(1000000, "piece");
  std::string dir = (scratch() / "harvest").string();
  auto harvest = coxswain::sized<cox_harvest_options>();
  harvest.dir = dir.c_str();
  harvest.model = harvest.model_sha256 = "m";
  harvest.width = kWidth;
  harvest.pieces = pieces.data();
  harvest.n_pieces = pieces.size();
  cox_harvest* opened = nullptr;
  std::printf("%d %s\n", cox_harvest_open(engine.get(), &harvest, &opened), cox_last_error());
  harvest.n_pieces = 3;
  std::printf("%d\n", cox_harvest_open(engine.get(), &harvest, &opened));
  std::printf("%d\n", cox_harvest_finish(opened));
}

// A harvest whose shard is larger than a file may be.
void fullDisk() {
  coxswain::Engine engine;
  std::string dir = (scratch() / "harvest").string();
  auto options = coxswain::sized<cox_harvest_options>();
  options.dir = dir.c_str();
  options.model = options.model_sha256 = "m";
  options.layer = kLayer;
  options.width = kWidth;
  coxswain::Harvest harvest(engine, options);
  coxswain::Lane lane(engine);
  lane.harvest(&harvest);
  std::vector<cox_row> rows(1000, row(1, nullptr, 1));
  std::vector<float> x = randomRows(rows.size(), kWidth, 1);
  lane.begin(rows);
  lane.layer(block(x.data(), rows.size()));
  lane.end();
  rlimit limit{20000, 20000};
  setrlimit(RLIMIT_FSIZE, &limit);
  try {
    harvest.finish();
  } catch (const coxswain::Error& error) {
    std::printf("%d %s\n", error.status(), error.what());
  }
  std::printf("%s\n", std::filesystem::is_empty(dir) ? "nothing left" : "something left");
}

// A thread of 256 KiB evaluates.
void smallStack() {
  static coxswain::Engine engine;
  writeSae(scratch() / "sae", kWidth, kFeatures, 1);
  static coxswain::Sae sae(engine, (scratch() / "sae").string());
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  pthread_t thread;
  auto evaluate = [](void*) -> void* {
    coxswain::Plan plan(engine, sae, kLayer, addPlan(3, 2));
    coxswain::Lane lane(engine);
    std::vector<float> x = randomRows(1, kWidth, 2);
    for (int i = 0; i < 20000; ++i) {
      lane.begin({row(1, plan.get(), 1)});
      lane.layer(block(x.data(), 1));
      lane.end();
    }
    std::printf("%llu steered\n", static_cast<unsigned long long>(lane.describe().steered));
    return nullptr;
  };
  pthread_create(&thread, &attributes, evaluate, nullptr);
  pthread_join(thread, nullptr);
}

// Opens in the parent; the child must be told, not crash.
void fork() {
  tryEngine();
  std::fflush(stdout);
  pid_t child = ::fork();
  if (child == 0) {
    tryEngine();
    std::fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

// The thread that starts the JVM ends; another goes on.
void shortLivedOpener() {
  std::thread([] { tryEngine(); }).join();
  std::thread([] { tryEngine(); }).join();
  tryEngine();
}

const std::map<std::string, std::function<void()>> scenarios = {
    {"open", [] { tryEngine(); }},
    {"bad-jvm-option", badJvmOption},
    {"with-options", withOptions},
    {"join", joinJvm},
    {"join-strange", joinStrangeJvm},
    {"fork", fork},
    {"short-lived-opener", shortLivedOpener},
    {"out-of-memory", outOfMemory},
    {"foreign-name", foreignName},
    {"full-disk", fullDisk},
    {"small-stack", smallStack},
};

// What a command printed; it must end well.
std::string output(const std::string& command) {
  FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::string said;
  char block[4096];
  for (size_t n; (n = fread(block, 1, sizeof block, pipe)) > 0;) said.append(block, n);
  EXPECT_EQ(0, pclose(pipe)) << command << ": " << said;
  return said;
}

// Runs a scenario with more environment variables.
std::string run(const std::string& scenario, const std::string& environment = "") {
  std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  return output("env " + environment + " COX_TEST_SCENARIO=" + scenario + " " + self);
}

bool contains(const std::string& all, const std::string& part) { return all.find(part) != std::string::npos; }

TEST(ProcessTest, ShouldRunTheExampleInC) {
  Weights weights = writeSae(scratch() / "example", kWidth, kFeatures, seed());
  char wanted[200];
  // x is 0, so the clamped feature's activation goes from 0 to 5.
  std::snprintf(wanted, sizeof wanted, "1 of 2 rows steered: x[0][0] = %g, x[1][0] = 0\n",
                static_cast<double>(5 * weights.row(3)[0]));
  EXPECT_EQ(wanted, output(COX_TEST_EXAMPLE " " + (scratch() / "example").string()));
  EXPECT_TRUE(contains(output(COX_TEST_EXAMPLE " /no/such/sae; true"), "host: "));
}

TEST(ProcessTest, ShouldNameAJavaHomeThatIsNone) {
  EXPECT_EQ("-5 COX_JAVA_HOME names /no/such, which has no lib/server/libjvm.so: name a Java 17 or newer\n",
            run("open", "COX_JAVA_HOME=/no/such"));
}

TEST(ProcessTest, ShouldFindAJavaWithoutAnyVariable) {
  EXPECT_EQ("0 \n", run("open", "-u JAVA_HOME -u COX_JAVA_HOME PATH=/usr/bin"));
  EXPECT_EQ("0 \n", run("open", "-u COX_JAVA_HOME JAVA_HOME=/no/such"));
}

TEST(ProcessTest, ShouldNameAClassPathThatIsMissing) {
  EXPECT_EQ("-5 COX_JAR names /no/such.jar, which does not exist: name Coxswain's jar\n",
            run("open", "COX_JAR=/no/such.jar"));
  EXPECT_TRUE(contains(run("open", "-u COX_JAR"), "-5 no coxswain*.jar beside "));
}

TEST(ProcessTest, ShouldSayThatAClassPathIsNotCoxswains) {
  EXPECT_EQ(
      "-5 the class path has no dev.coxswain.host.HostBridge: name Coxswain's jar in COX_JAR or class_path\n",
      run("open", "COX_JAR=/tmp"));
}

TEST(ProcessTest, ShouldSayWhyTheJvmWouldNotStart) {
  std::string said = run("bad-jvm-option");
  EXPECT_TRUE(contains(said, "would not start")) << said;
  EXPECT_TRUE(contains(said, "-Xno-such-option")) << said;
}

TEST(ProcessTest, ShouldPassOptionsOn) { EXPECT_EQ("0 \n", run("with-options")); }

TEST(ProcessTest, ShouldJoinAJvmThatRunsAlready) { EXPECT_TRUE(contains(run("join"), "steered\n")); }

TEST(ProcessTest, ShouldSayThatARunningJvmLacksTheClasses) {
  EXPECT_EQ(
      "-5 the JVM that runs in this process has no dev.coxswain.host.HostBridge: add Coxswain's jar to its "
      "class "
      "path\n",
      run("join-strange"));
}

TEST(ProcessTest, ShouldRefuseToWorkInAForkedChild) {
  std::string said = run("fork");
  EXPECT_TRUE(contains(said, "0 \n-12 this process is a fork of the one whose JVM Coxswain uses")) << said;
}

TEST(ProcessTest, ShouldOutliveTheThreadThatStartedTheJvm) {
  EXPECT_EQ("0 \n0 \n0 \n", run("short-lived-opener"));
}

TEST(ProcessTest, ShouldReadFileNamesAsUtf8OrSayWhatThatTakes) {
  EXPECT_EQ("48\n", run("foreign-name", "LC_ALL=C.UTF-8"));
  std::string said = run("foreign-name", "LC_ALL=C");
  EXPECT_TRUE(contains(said, "-1 the SAE's path cannot be a file name here")) << said;
  EXPECT_TRUE(contains(said, "set LC_ALL=C.UTF-8 before the JVM starts")) << said;
}

TEST(ProcessTest, ShouldSurviveAFullJavaHeap) {
  EXPECT_EQ("-13 java.lang.OutOfMemoryError: Java heap space\n0\n0\n", run("out-of-memory"));
}

TEST(ProcessTest, ShouldSayThatTheDiskIsFull) {
  std::string said = run("full-disk");
  EXPECT_TRUE(contains(said, "-7 cannot write ")) << said;
  EXPECT_TRUE(contains(said, "00000.safetensors")) << said;
  EXPECT_TRUE(contains(said, "nothing left")) << said;
}

TEST(ProcessTest, ShouldWorkOnAThreadWithASmallStack) { EXPECT_EQ("20000 steered\n", run("small-stack")); }

}  // namespace

// True if this process is a scenario, which then has run.
bool ranScenario() {
  const char* name = std::getenv("COX_TEST_SCENARIO");
  if (name == nullptr) return false;
  scenarios.at(name)();
  return true;
}

}  // namespace coxswain::host::test

int main(int argc, char** argv) {
  if (coxswain::host::test::ranScenario()) return 0;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
