#!/bin/sh
# Compiles all kernels to machine code with NVRTC and prints their table: tools/compile-kernels/run.sh [--arch sm_80,sm_90] ...
# Needs g++ and NVRTC: a CUDA toolkit's, or Debian's package libnvrtc11.2 of the component non-free.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$root/out"
"${CXX:-g++}" -std=c++17 -O1 -Wall -Wextra -Werror "$root/tools/compile-kernels/compile_kernels.cpp" -o "$root/out/compile-kernels" -ldl
cd "$root"
exec "$root/out/compile-kernels" "$@" kernels.cu
