# Sourced by cox: `cox bundle --out FILE.tar.gz` puts everything that a machine with a GPU driver and nothing else needs
# into one archive: the program, a Java runtime of the modules that it uses, and every library but libc's own.

readonly BUNDLE_MIB=60
# What the program and its libraries use; `cox test` compares it with what jdeps finds. The JSON library names more, which
# it does without.
readonly BUNDLE_MODULES=java.base,java.logging,java.management,jdk.management,jdk.unsupported
# All files' time, so that the same build gives the same bytes.
readonly BUNDLE_TIME='2026-01-01 00:00:00 UTC'

bundle_usage() {
  cat <<'TEXT'
Usage: cox bundle --out FILE.tar.gz
Write an archive that runs on a machine with nothing but a GPU driver.

Unpack it anywhere and call coxswain/cox. What it needs there: Linux on x86-64 and glibc (the command says which). What it
leaves out: the language model's host, so that demo, harvest, vocabulary, generate and tune do not run from it.
TEXT
}

# Sets OUT to the file asked for.
parse_bundle_arguments() {
  OUT=
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) bundle_usage; exit 0 ;;
      --out) [ $# -gt 1 ] && [ "$2" ] || die "--out needs a file's name (see 'cox bundle --help')" 2; OUT=$2; shift ;;
      --out=?*) OUT=${1#--out=} ;;
      *) die "cox bundle does not take '$1' (see 'cox bundle --help')" 2 ;;
    esac
    shift
  done
  [ "$OUT" ] || die "Missing required option: '--out=FILE.tar.gz' (see 'cox bundle --help')" 2
  [ ! -d "$OUT" ] || die "$OUT is a folder; name a file" 2
  [ -d "$(dirname -- "$OUT")" ] || die "$(dirname -- "$OUT") is no folder"
  OUT=$(cd "$(dirname -- "$OUT")" && pwd)/${OUT##*/}
}

# The Java runtime, with the libraries of this system that it asks for beside it.
lay_out_runtime() { # FOLDER
  local library needed
  "$JDK/bin/jlink" --add-modules "$BUNDLE_MODULES" --strip-debug --no-header-files --no-man-pages --output "$1"
  find "$1/lib" -name '*.so' -print0 | xargs -0 strip --strip-unneeded
  for library in "$1"/bin/java "$1"/lib/*.so "$1"/lib/server/*.so; do
    while read -r needed _ path _; do
      case $needed in
        libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | ld-linux* | libstdc++.so.* | libgcc_s.so.*) ;;
        *) [ -e "$1/lib/$needed" ] || [ -e "$1/lib/server/$needed" ] || cp -L "$path" "$1/lib/$needed" ;;
      esac
    done < <(LD_LIBRARY_PATH=$1/lib:$1/lib/server ldd "$library" | grep ' => ')
  done
}

# Those of the Java libraries' native halves that the program loads, out of their jars.
unpack_natives() { # FOLDER
  local jar member members=()
  for jar in "$APP"/lib/*natives*.jar; do
    mapfile -t members < <("$JDK/bin/jar" tf "$jar" | grep -E '(^|/)lib(lwjgl|JCudaDriver-.*|JCublas2-.*)\.so$')
    [ ${#members[@]} = 0 ] || (cd "$1" && "$JDK/bin/jar" xf "$jar" "${members[@]}")
    for member in "${members[@]}"; do mv "$1/$member" "$1/"; done
  done
  find "$1" -mindepth 1 -type d -empty -delete
}

# The options of ./cox, for the bundle's launcher: one a line, @HERE@ for its folder.
write_jvm_options() { # FILE
  local option jars=() jar
  set_jvm_options
  for option in "${JVM[@]:1}"; do
    case $option in
      -Dcox.root=*) option=-Dcox.root=@HERE@ ;;
      -Dcox.terminal=*) continue ;;
      -XX:ErrorFile=*) option=-XX:ErrorFile=/tmp/coxswain-crash-%p.txt ;;
    esac
    echo "$option"
  done
  echo "-Dcox.commit=$(commit)"
  echo -Dcoxswain.library=@HERE@/lib/libcoxswain.so
  echo -Djava.library.path=@HERE@/lib
  for jar in "${jar_names[@]}"; do jars+=("@HERE@/lib/$jar"); done
  printf -- '-cp\n%s\n' "$(IFS=:; echo "${jars[*]}")"
} >"$1"

lay_out_bundle() { # FOLDER
  local lib=$1/lib library jar_names=(coxswain.jar)
  mkdir -p "$lib"
  cp "$APP/coxswain.jar" "$lib/"
  for library in "$APP"/lib/*.jar; do
    case $library in *natives*) continue ;; esac
    cp "$library" "$lib/"
    jar_names+=("${library##*/}")
  done
  unpack_natives "$lib"
  cp "$BUILD/release/native/libcoxswain.so" "$lib/"
  cp "$BUILD/release/native/bundle/cox-launcher" "$1/cox"
  strip --strip-unneeded "$1/cox" "$lib"/*.so
  "$COX_ROOT/native/bundle/cxx-runtime.sh" "$lib/c++"
  lay_out_runtime "$1/runtime"
  write_jvm_options "$lib/jvm.options"
  cp "$COX_ROOT/LICENSE" "$1/"
  chmod -R u=rwX,go=rX "$1"
}

pack() { # FOLDER FILE
  tar -C "$1" --sort=name --mtime="$BUNDLE_TIME" --owner=0 --group=0 --numeric-owner --format=gnu -cf - coxswain |
    gzip -n -9 >"$2"
}

# The newest glibc that a file of the folder asks for.
needed_glibc() { # FOLDER
  find "$1" -type f \( -name '*.so*' -o -perm /111 \) -exec objdump -T {} + 2>/dev/null |
    grep -oE '\(?GLIBC_[0-9.]+\)?' | tr -d '()' | sort -Vu | tail -n 1 | sed 's/GLIBC_//'
}

# `step` looks at a command's exit code, which switches `set -e` off within it, but not in a shell of its own.
strictly() {
  (set -e; "$@") &
  wait $!
}

run_script() {
  local folder=$BUILD/bundle size
  parse_bundle_arguments "$@"
  . "$COX_ROOT/scripts/build.sh"
  mkdir -p "$BUILD/log"
  exec 8>"$BUILD/bundle.lock"
  flock 8
  step 'building the launcher' bundle-native.txt "$COX_ROOT/native/build.sh" release cox-launcher
  rm -rf "$folder"
  step 'laying out the bundle' bundle.txt strictly lay_out_bundle "$folder/coxswain"
  trap 'rm -f "$OUT.new"' EXIT
  step 'packing it' bundle-pack.txt strictly pack "$folder" "$OUT.new"
  size=$(stat -c %s "$OUT.new")
  [ "$size" -le $((BUNDLE_MIB << 20)) ] || die "the bundle has $((size >> 20)) MiB, more than $BUNDLE_MIB"
  mv -f "$OUT.new" "$OUT"
  echo "$OUT: $((size >> 20)) MiB; it needs Linux on x86-64 with glibc $(needed_glibc "$folder") or newer"
  rm -rf "$folder"
}
