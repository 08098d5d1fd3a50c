#!/usr/bin/env bash
# cxx-runtime.sh FOLDER: libgcc_s.so.1 and libstdc++.so.6 for a machine that has neither, made of this compiler's static
# archives with the versioned symbols of its shared ones. The compiler's own shared ones need the glibc of this machine;
# these need 2.34 (glibc.cpp). Left out are symbols only for programs of long ago, which the archives lack.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:?usage: cxx-runtime.sh FOLDER}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

archive() { g++ -print-file-name="$1"; }
shared() { readlink -f "$(g++ -print-file-name="$1")"; }

# The versions of a shared library, each with its symbols, as the linker reads them.
version_script() { # LIBRARY
  nm -D --defined-only --with-symbol-versions "$1" | awk '
    { parts = split($NF, name, /@+/) }
    parts == 2 { known[name[2]]; if ($NF ~ /@@/ && name[1] != name[2]) list[name[2]] = list[name[2]] " " name[1] ";" }
    END {
      for (version in known) print version " {" (list[version] == "" ? "" : " global:" list[version]) " };"
      print "PRIVATE { local: *; };"
    }' | LC_ALL=C sort
}

# The archives hide every symbol of libgcc_s: each gets another name there, and a jump of its own name to it.
make_libgcc() {
  local library archives=("$(archive libgcc_eh.a)" "$(archive libgcc.a)") i
  library=$(shared libgcc_s.so.1)
  version_script "$library" >"$work/gcc.map"
  nm -D --defined-only "$library" | awk '$2 ~ /[TWi]/ { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u >"$work/wanted"
  nm --defined-only "${archives[@]}" 2>/dev/null | awk 'NF == 3 && $2 ~ /[TW]/ { print $3 }' | LC_ALL=C sort -u >"$work/had"
  LC_ALL=C comm -12 "$work/wanted" "$work/had" >"$work/names"
  awk '{ print $1, "hidden_" $1 }' "$work/names" >"$work/renamed"
  for i in 0 1; do objcopy --redefine-syms="$work/renamed" "${archives[i]}" "$work/$i.a"; done
  awk '{ print ".globl " $1 "\n.type " $1 ", @function\n" $1 ": jmp hidden_" $1 }
    END { print ".section .note.GNU-stack,\"\",@progbits" }' "$work/names" >"$work/jumps.s"
  link libgcc_s.so.1 gcc.map "$work/jumps.s" "$work/glibc.o" "$work/0.a" "$work/1.a" -lc
}

make_libstdcxx() {
  version_script "$(shared libstdc++.so.6)" >"$work/cxx.map"
  link libstdc++.so.6 cxx.map -Wl,--whole-archive "$(archive libstdc++.a)" -Wl,--no-whole-archive "$work/glibc.o" \
    "$out/libgcc_s.so.1" "$work/1.a" -lm -lc "$(g++ -print-file-name=ld-linux-x86-64.so.2)"
}

link() { # NAME VERSION-SCRIPT WHAT...
  local name=$1 map=$2
  shift 2
  g++ -shared -nodefaultlibs -s -Wl,-z,defs -Wl,--build-id=none -Wl,-soname,"$name" -Wl,--version-script="$work/$map" \
    -o "$out/$name" "$@"
}

g++ -std=c++17 -O2 -fPIC -fno-exceptions -c "$here/glibc.cpp" -o "$work/glibc.o"
make_libgcc
make_libstdcxx
