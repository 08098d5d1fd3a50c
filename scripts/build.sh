# Sourced by cox when something changed: builds the native part, the jar and the class-data archive, each if it must.

# Runs a command quietly with its output in a log; says how long it took; shows the log's end if it fails.
step() { # DESCRIPTION LOG COMMAND...
  try_step "$@" || die "$1: failed (the whole log: $BUILD/log/$2)"
}
try_step() { # DESCRIPTION LOG COMMAND...
  local description=$1 log=$BUILD/log/$2 start=$SECONDS
  shift 2
  say "$description"
  tick "$description" &
  local ticker=$! failed=
  "$@" >"$log" 2>&1 </dev/null || failed=yes
  kill $ticker 2>/dev/null
  wait $ticker 2>/dev/null || true
  if [ "$failed" ]; then
    tail -n 40 "$log" >&2
    return 1
  fi
  say "$description: done in $((SECONDS - start)) s"
}

# A sign of life every ten seconds, until it is killed or the script is gone.
tick() { # DESCRIPTION
  local start=$SECONDS silence
  exec {silence}<> <(:) # nothing is ever written there; a `sleep` would outlive this
  until read -r -t 10 -u "$silence" || ! kill -0 $$ 2>/dev/null; do say "$1: $((SECONDS - start)) s"; done
}

stamp() { # NAME FINGERPRINT
  printf '%s\n' "$2" >"$BUILD/stamps/.$1.new"
  mv -f "$BUILD/stamps/.$1.new" "$BUILD/stamps/$1"
}

run_maven() {
  (cd "$COX_ROOT" && JAVA_HOME=$JDK mvn -B -ntp -Dcox.skip.native=true "$@")
}

# Everything but the language model's host is built without a network too; what needs it then says so.
fetch_llama() {
  local log=$BUILD/log/llama.txt folder=
  if try_step 'fetching llama.cpp' llama.txt "$COX_ROOT/native/llama/fetch.sh"; then
    folder=$(tail -n 1 "$log")
  else
    say 'going on without the language model: the commands that run one will not work'
  fi
  # The folder is written into the configuration, so another one needs another configuration.
  is_current llama "$folder" || rm -f "$BUILD/release/build.ninja"
  stamp llama "$folder"
}

# So is the CPU backend without the CUDA compiler; `cox devices` then says that this build has no kernels.
fetch_cuda_compiler() {
  try_step 'fetching the CUDA compiler' cuda.txt "$COX_ROOT/scripts/cuda-toolchain.sh" && return 0
  say 'going on without CUDA kernels: --device cuda will not work'
  return 1
}

build_native() { # COMMAND
  local now targets=(coxswain)
  now=$(native_fingerprint)
  is_current native "$now" && llama_is_there "$1" && return 0
  fetch_llama
  is_current llama '' || targets+=(cox-llama)
  if fetch_cuda_compiler; then targets+=(kernels cubins); fi
  step 'building the native library' native.txt "$COX_ROOT/native/build.sh" release "${targets[@]}"
  rm -f "$BUILD/stamps/java"
  stamp native "$now"
}

build_java() {
  local now
  now=$(java_fingerprint)
  is_current java "$now" && return 0
  step 'building the Java library' java.txt run_maven -pl java -Dmaven.test.skip=true -Dspotless.check.skip=true package
  lay_out_app
  stamp java "$now"
}

# Files are renamed into place: a program that is running keeps what it has open.
lay_out_app() {
  local jar library
  mkdir -p "$APP/lib"
  rm -f "$APP"/*.jsa
  for jar in "$COX_ROOT"/java/target/libraries/*.jar; do
    [ -e "$APP/lib/${jar##*/}" ] || put "$jar" "$APP/lib/${jar##*/}"
  done
  for library in "$APP"/lib/*.jar; do
    [ -e "$COX_ROOT/java/target/libraries/${library##*/}" ] || rm -f "$library"
  done
  put "$COX_ROOT"/java/target/coxswain-[0-9]*[0-9].jar "$APP/coxswain.jar"
}
put() { # FILE TARGET
  cp -p -- "$1" "$2.new"
  mv -f -- "$2.new" "$2"
}

# The classes of a first run, ready to map: it halves the start of every later one.
archive_classes() {
  set_archive
  [ -f "$ARCHIVE" ] && return 0
  set_jvm_options
  "${JVM[@]}" "-XX:ArchiveClassesAtExit=$ARCHIVE.new" -cp "$CLASS_PATH" dev.coxswain.cli.Main devices --json \
    >"$BUILD/log/archive.txt" 2>&1 </dev/null || { cat "$BUILD/log/archive.txt" >&2; die 'the program does not start'; }
  # A JVM without class-data sharing writes none: an empty file stands for it and is not used.
  if [ -f "$ARCHIVE.new" ]; then mv -f "$ARCHIVE.new" "$ARCHIVE"; else : >"$ARCHIVE"; fi
}

# One build at a time: another ./cox waits here, then finds everything done.
build_what_changed() { # COMMAND
  find_jdk || die 'no JDK 17 or newer'
  mkdir -p "$BUILD/log" "$BUILD/stamps" "$APP"
  exec 8>"$BUILD/lock"
  flock -n 8 || { say 'waiting for another build of this folder'; flock 8; }
  build_native "$1"
  build_java
  archive_classes
  exec 8>&-
}
