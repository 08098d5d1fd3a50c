#!/usr/bin/env bash
# Gets llama.cpp's libraries and headers by package name into the cache and prints their folder:
#   lib/      libllama.v0.5.0.so, libggml*.so and the ggml CPU plug-ins
#   include/  llama.h, ggml*.h, gguf.h of the same release
#   vocab/    two vocabulary-only GGUF files, for tests
# Idempotent, safe to run in parallel, and all or nothing. Uses npm and git.
set -euo pipefail

VERSION=3.22.1 # of both packages; llama.cpp v0.5.0
LIBRARIES_SHA256=0d953e1503d5ab4608d8ed5b739132308c81ac05ffeb760d2a7f30e08a9f90e0
HEADERS_SHA256=a0d9dd80eacd2ab1cfe71aee57ac8a806487fd70b3d2a38fbec637752d9e5c5f

CACHE=${COX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/coxswain}
TARGET=$CACHE/llama.cpp-$VERSION

fail() {
  echo "llama.cpp: $1" >&2
  exit 1
}

# $1 package, $2 SHA-256, $3 file name that npm gives it. Leaves the checked archive in downloads/.
download() {
  local file=$CACHE/downloads/$3
  if [ ! -f "$file" ] || ! echo "$2  $file" | sha256sum --check --status; then
    rm -rf "$file" "$CACHE/downloads/.new"
    mkdir -p "$CACHE/downloads/.new"
    npm pack --silent --pack-destination "$CACHE/downloads/.new" "$1@$VERSION" >/dev/null 2>"$CACHE/downloads/npm.log" ||
      fail "npm could not download $1@$VERSION (is there a network? details in $CACHE/downloads/npm.log)"
    echo "$2  $CACHE/downloads/.new/$3" | sha256sum --check --status ||
      fail "$1@$VERSION has another SHA-256 than the pinned $2; not used"
    mv "$CACHE/downloads/.new/$3" "$file"
  fi
}

if [ ! -e "$TARGET/.ok" ]; then
  for tool in npm git tar sha256sum flock; do
    command -v "$tool" >/dev/null || fail "$tool is needed to fetch it and is not installed"
  done
  mkdir -p "$CACHE/downloads" || fail "cannot write to the cache folder $CACHE"
  exec 9>"$CACHE/llama.cpp.lock"
  flock 9
  if [ ! -e "$TARGET/.ok" ]; then
    download @node-llama-cpp/linux-x64 "$LIBRARIES_SHA256" "node-llama-cpp-linux-x64-$VERSION.tgz"
    download node-llama-cpp "$HEADERS_SHA256" "node-llama-cpp-$VERSION.tgz"
    NEW=$TARGET.new
    rm -rf "$NEW" "$TARGET"
    mkdir -p "$NEW/lib" "$NEW/vocab" "$NEW/include"
    tar -xzf "$CACHE/downloads/node-llama-cpp-linux-x64-$VERSION.tgz" -C "$NEW/lib" --strip-components=3 \
      --wildcards 'package/bins/linux-x64/libllama.v*' 'package/bins/linux-x64/libggml*'
    tar -xzf "$CACHE/downloads/node-llama-cpp-$VERSION.tgz" -C "$NEW" --strip-components=2 package/llama/gitRelease.bundle
    git -c advice.detachedHead=false clone -q "$NEW/gitRelease.bundle" "$NEW/source" 2>/dev/null ||
      fail "the source bundle inside node-llama-cpp@$VERSION cannot be cloned"
    cp "$NEW/source/LICENSE" "$NEW/"
    cp "$NEW"/source/include/llama.h "$NEW"/source/ggml/include/*.h "$NEW/include/"
    cp "$NEW"/source/models/ggml-vocab-{llama-spm,gpt-2}.gguf "$NEW/vocab/"
    rm -rf "$NEW/source" "$NEW/gitRelease.bundle"
    touch "$NEW/.ok"
    mv "$NEW" "$TARGET"
    rm -f "$CACHE/downloads/node-llama-cpp-linux-x64-$VERSION.tgz" "$CACHE/downloads/node-llama-cpp-$VERSION.tgz"
  fi
fi
echo "$TARGET"
