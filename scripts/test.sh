# Sourced by cox: `cox test` runs everything that can be checked on this machine and says what failed.

readonly CLANG_FORMAT_VERSION=19.1.7

# Sets CLANG_FORMAT; fetches the pinned version where PATH has another.
find_clang_format() {
  local folder=$COX_CACHE/tools/clang-format-$CLANG_FORMAT_VERSION
  if clang-format --version 2>/dev/null | grep -qF " $CLANG_FORMAT_VERSION"; then
    CLANG_FORMAT=clang-format
    return 0
  fi
  CLANG_FORMAT=$folder/clang_format/data/bin/clang-format
  [ -x "$CLANG_FORMAT" ] && return 0
  rm -rf "$folder.new"
  python3 -m pip install -q --no-deps --disable-pip-version-check --root-user-action=ignore --target "$folder.new" \
    "clang-format==$CLANG_FORMAT_VERSION"
  rm -rf "$folder"
  mv "$folder.new" "$folder"
}

check_format() {
  find_clang_format
  cd "$COX_ROOT"
  find native kernels -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.cu' -o -name '*.cuh' |
    xargs -r "$CLANG_FORMAT" --dry-run -Werror
}

# The native unit tests of a preset, all or those a filter of GoogleTest picks.
native_tests() { # PRESET [FILTER]
  local program=$BUILD/$1/native/test/coxswain_tests filter="--gtest_filter=${2:-*}"
  "$COX_ROOT/native/build.sh" "$1" coxswain_tests
  "$program" --gtest_list_tests "$filter" | grep -q '^ ' || { echo "no test matches ${2:-*}"; return 1; }
  "$program" --gtest_brief=1 "$filter"
}

# A C++ host with the real JVM inside, by the preset's build; the classes are those of build/app.
host_tests() { # PRESET
  "$COX_ROOT/native/build.sh" "$1" host_tests
  ctest --test-dir "$BUILD/$1" --output-on-failure --no-tests=error -R '^host$'
}

# The same with hidden states in CUDA memory, on the software CUDA driver.
cuda_host_tests() {
  "$COX_ROOT/native/build.sh" release host_cuda_tests
  ctest --test-dir "$BUILD/release" --output-on-failure --no-tests=error -R '^host_cuda$'
}

java_tests() { run_maven -pl java verify; }
# The software CUDA driver's own tests, then what every backend promises and the CUDA backend's own, twice: on another
# device, and in another order of lanes, warps and blocks. A finding of the checkers fails, also one nobody looked at.
cuda_tests() {
  local program seed preset tests='*Test'
  "$COX_ROOT/native/build.sh" release softcuda kernels cubins softcuda_tests softcuda_driver_tests
  for program in softcuda_tests softcuda_driver_tests; do
    "$BUILD/release/native/softcuda/test/$program" --gtest_brief=1
  done
  export SOFTCUDA_FINDINGS=$BUILD/log/cuda-findings.jsonl SOFTCUDA_LEAKS=1
  rm -f "$SOFTCUDA_FINDINGS"
  for preset in sm_90 sm_89; do
    seed=$((RANDOM + 1))
    echo "softcuda $preset, seed $seed"
    SOFTCUDA_DEVICE_PRESET=$preset run_maven -pl java -Dcox.skip.cuda=false "-Dcox.softcuda.seed=$seed" "-Dtest=$tests" \
      test-compile surefire:test@cuda
    tests='*Test,!MutatedKernelsTest,!CudaFailureTest' # each starts processes of its own, with settings of its own
  done
  if [ -s "$SOFTCUDA_FINDINGS" ]; then
    cat "$SOFTCUDA_FINDINGS"
    return 1
  fi
}
cli_tests() { run_maven -pl java -Dcox.groups=cli -Dcox.excludedGroups= surefire:test; }

# The whole loop on the real model at its small size, then again: the second run keeps every step's result.
demo_test() {
  local out=$BUILD/demo-test
  "$COX_ROOT/cox" demo --quick --fresh --out "$out"
  cp "$out/summary.json" "$BUILD/demo-test-first.json"
  "$COX_ROOT/cox" demo --quick --out "$out"
  python3 - "$out" "$BUILD/demo-test-first.json" <<'PYTHON'
import json, os, sys

folder, first = sys.argv[1:]
summary = json.load(open(os.path.join(folder, "summary.json")))
assert summary == json.load(open(first)), "the second run computed other figures"
for name in ("explanations.jsonl", "contexts.jsonl", "generations.jsonl", "metrics.jsonl", "plan.json", "report.html"):
    assert os.path.getsize(os.path.join(folder, name)) > 0, name
lines = sum(1 for _ in open(os.path.join(folder, "explanations.jsonl")))
assert lines == summary["n_features"], f"{lines} explanations of {summary['n_features']} features"
assert 0 < summary["fvu"] <= 0.4, summary["fvu"]
assert summary["lift_median"] > 2 * summary["lift_random_words"], summary["lift_median"]
assert 0 < summary["kl"] <= 0.3, summary["kl"]
assert summary["effect_nats"] >= 1.2, summary["effect_nats"]
assert summary["effect_nats"] > summary["effect_random_features_nats"] + 1
PYTHON
}

# The same loop with the engine on the software CUDA driver, from the same hidden states: the SAE, its words, and what the
# steered model writes are the same bytes.
cuda_demo_test() {
  local out=$BUILD/demo-cuda file
  rm -rf "$out"
  mkdir -p "$out/.steps"
  cp -r "$BUILD/demo-test/harvest" "$out/"
  cp "$BUILD/demo-test/.steps/harvest.json" "$out/.steps/"
  "$COX_ROOT/cox" softcuda demo --quick --out "$out"
  for file in sae/sae_weights.safetensors explanations.jsonl contexts.jsonl plan.json generations.jsonl; do
    cmp "$BUILD/demo-test/$file" "$out/$file"
  done
  grep -q '"train_device" *: *"cuda:0 (software CUDA driver (test)' "$out/summary.json"
}

# Runs one part of the tests with its output in a log, and shows all of the log where it fails.
part() { # NAME COMMAND...
  local name=$1 start=$SECONDS verdict=ok
  local log=$BUILD/log/test-$name.txt
  shift
  say "test $name ..."
  # In a shell of its own: `if` would switch off `set -e` inside the functions.
  (set -e; "$@") >"$log" 2>&1 </dev/null &
  wait $! || verdict=FAILED
  if [ $verdict = FAILED ]; then
    cat "$log"
    FAILURES+=("$name")
  fi
  SUMMARY+=("$(printf '%-8s %-7s %4d s  %s' "$name" $verdict $((SECONDS - start)) "$(counts "$log")")")
  say "test $name: $verdict in $((SECONDS - start)) s"
}

# What the log of a test run says of how many tests ran and with which seeds.
counts() { # LOG
  {
    grep -aoE 'Tests run: [0-9]+, Failures: [0-9]+, Errors: [0-9]+, Skipped: [0-9]+$' "$1" | tail -n 1
    grep -aoE '[0-9]+ tests? from [0-9]+ test suites? ran' "$1"
    grep -aoE '[0-9]+% tests passed.* out of [0-9]+' "$1"
    grep -aoiE 'seed[ =:]+-?[0-9]+' "$1" | sort -u | head -n 4
  } | paste -sd ';' | sed 's/;/; /g'
}

run_script() {
  [ $# = 0 ] || die "cox test takes no arguments, got '$1'" 2
  local start=$SECONDS
  FAILURES=()
  SUMMARY=()
  . "$COX_ROOT/scripts/build.sh"
  . "$COX_ROOT/scripts/bundle-test.sh"
  mkdir -p "$BUILD/log"
  part format check_format
  part asan native_tests asan
  part asanhost host_tests asan
  part tsan native_tests tsan '*Thread*'
  part host host_tests release
  part cudahost cuda_host_tests
  part java java_tests
  part cuda cuda_tests
  part cli cli_tests
  part bundle bundle_test
  part demo demo_test
  part cudademo cuda_demo_test
  printf '%s\n' "${SUMMARY[@]}"
  if [ ${#FAILURES[@]} -gt 0 ]; then
    printf 'FAILED: %s; the logs are in %s\n' "${FAILURES[*]}" "$BUILD/log"
    exit 1
  fi
  printf 'all tests passed in %d s\n' $((SECONDS - start))
}
