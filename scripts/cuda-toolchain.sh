#!/usr/bin/env bash
# cuda-toolchain.sh: makes sure that the pinned CUDA compiler is in the cache (pip packages, about 110 MB once) and prints
# what puts it on the PATH: eval "$(scripts/cuda-toolchain.sh)". Quick once it is there; safe to run in parallel.
set -euo pipefail

# nvcc 13.0 writes PTX that every driver of CUDA 13 takes; cuobjdump and nvdisasm exist from 13.2 on and read 13.0's cubins.
readonly NVCC=13.0.88
readonly PACKAGES=(
  nvidia-cuda-nvcc==$NVCC nvidia-nvvm==$NVCC nvidia-cuda-crt==$NVCC nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85 nvidia-cuda-cuobjdump==13.5.37 nvidia-cuda-nvdisasm==13.5.37
)

cache=${COX_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/coxswain}/cuda
folder=$cache/$NVCC-1

install() {
  local root=$folder.new/nvidia/cu13 tool
  rm -rf "$folder" "$folder.new"
  python3 -m pip install -q --no-deps --no-compile --only-binary=:all: --disable-pip-version-check \
    --root-user-action=ignore --target "$folder.new" "${PACKAGES[@]}" >&2
  ln -sfn lib "$root/lib64" # where nvcc.profile looks
  for tool in nvcc ptxas cuobjdump nvdisasm fatbinary; do "$root/bin/$tool" --version >/dev/null; done
  mv "$folder.new" "$folder"
  touch "$folder/.ok"
}

if [ ! -e "$folder/.ok" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock 9
  [ -e "$folder/.ok" ] || install
fi
printf 'export CUDA_HOME=%q PATH=%q:"$PATH"\n' "$folder/nvidia/cu13" "$folder/nvidia/cu13/bin"
