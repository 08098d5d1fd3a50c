#!/usr/bin/env bash
# compile.sh ptx SOURCE.cu OUT.ptx OUT.d        the module that every device of compute capability 8.0 or newer can load
# compile.sh cubin MODULE.ptx SM OUT.cubin      the same assembled for one architecture; OUT.cubin.txt has its resources
#
# What is written depends on the source alone, not on the folder it lies in. The PTX calls itself version 7.8, so that
# drivers from CUDA 11.8 on take it (nvcc 13 would demand one of CUDA 13); that ptxas accepts it proves that it holds
# nothing newer: ptxas knows the version in which every instruction came.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
eval "$("$root/scripts/cuda-toolchain.sh")"

compile_ptx() { # SOURCE OUT DEPENDENCIES
  local new=$2.new
  # Every fused multiply-add is written in the source: results are defined to the bit (docs/design.md).
  nvcc -ptx -arch=compute_80 -O3 --fmad=false -lineinfo -std=c++17 -Werror all-warnings -I "$root/kernels" \
    -MD -MF "$3" -MT "$2" "$1" -o "$new"
  sed -i -e "s#$root/##g" -e 's/^\.version .*/.version 7.8/' -e '/\.pragma "used_bytes_mask/d' "$new"
  ptxas -arch=sm_80 "$new" -o "$new.cubin"
  rm "$new.cubin"
  mv -f "$new" "$2"
}

assemble() { # MODULE SM OUT
  local text=$3.txt
  ptxas -v -lineinfo "-arch=sm_$2" "$1" -o "$3.new" 2>"$text" || { cat "$text" >&2; exit 1; }
  mv -f "$3.new" "$3"
}

case $1 in
  ptx) compile_ptx "$2" "$3" "$4" ;;
  cubin) assemble "$2" "$3" "$4" ;;
esac
