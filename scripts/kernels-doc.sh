#!/usr/bin/env bash
# kernels-doc.sh [OUT]: runs every kernel's case on the software CUDA driver, with ptxas's report of each, and writes the
# table (default docs/kernels.md). Fails, with the table written, where a kernel breaks what it promises.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$(realpath -m -- "${1:-$root/docs/kernels.md}")
cd "$root"
native/build.sh release cubins
native/build.sh release
mvn -q -ntp -pl java -Dcox.skip.native=true -Dcox.skip.cuda=false -Dcox.kernels.out="$out" test-compile surefire:test@cuda -Dtest=KernelFiguresTest
