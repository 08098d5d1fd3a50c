# Sourced by cox: `cox bench [--quick] [PATTERN]` builds the benchmarks and runs them.

run_script() {
  . "$COX_ROOT/scripts/build.sh"
  mkdir -p "$BUILD/log"
  step 'building the native benchmarks' bench-native.txt "$COX_ROOT/native/build.sh" release cox-machine noopcuda
  step 'building the benchmarks' bench.txt run_maven -pl java,bench -Dmaven.test.skip=true -Dspotless.check.skip=true package
  set_jvm_options
  # Only what measures our own share of a CUDA launch asks for CUDA.
  export LD_LIBRARY_PATH=$BUILD/release/noopcuda
  # JMH hands these options on to the JVMs it measures in.
  exec "${JVM[@]}" "-Dcox.commit=$(commit)" -Djmh.ignoreLock=true \
    -cp "$COX_ROOT/bench/target/classes:$COX_ROOT/bench/target/libraries/*" dev.coxswain.bench.BenchMain "$@"
}
