#!/usr/bin/env bash
# build.sh PRESET [TARGET...]: configures once, then builds what changed (release, asan or tsan).
# The release library goes to build/release/java-resources/, a root of the Java class path, beside its content hash.
set -euo pipefail
preset=${1:?usage: native/build.sh release|asan|tsan [TARGET...]}
shift
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=build/$preset
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9
# A copied or moved tree brings a configuration of the place it came from.
home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$out/CMakeCache.txt" 2>/dev/null || true)
[ "$home" -ef . ] || rm -rf "$out/CMakeCache.txt" "$out/CMakeFiles" "$out/build.ninja"
log=$out/configure.log
if [ ! -f "$out/build.ninja" ] || [ CMakePresets.json -nt "$out/build.ninja" ]; then
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
log=$out/build.log
if [ $# -gt 0 ]; then ninja -C "$out" "$@" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
else ninja -C "$out" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
[ "$preset" = release ] || exit 0
library=$out/native/libcoxswain.so
[ -f "$library" ] || exit 0
resources=$out/java-resources
if [ ! -f "$resources/libcoxswain.so.sha256" ] || [ "$library" -nt "$resources/libcoxswain.so" ]; then
  mkdir -p "$resources"
  # Renamed into place: a JVM that has the old file mapped keeps it.
  cp -p "$library" "$resources/.new"
  mv -f "$resources/.new" "$resources/libcoxswain.so"
  sha256sum "$library" | cut -d' ' -f1 >"$resources/libcoxswain.so.sha256"
fi
