#!/usr/bin/env bash
# Builds the core for aarch64 with a cross compiler and runs its tests under qemu's emulation:
# whether the NEON kernels are right, not how fast they are. Installs what is missing where it may.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v ninja >/dev/null || missing+=(ninja-build)
command -v aarch64-linux-gnu-g++ >/dev/null || missing+=(g++-aarch64-linux-gnu)
command -v qemu-aarch64 >/dev/null || missing+=(qemu-user)
[ -e /usr/include/doctest/doctest.h ] || missing+=(doctest-dev)
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "check_aarch64.sh: missing ${missing[*]}; install them and run it again" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

cmake -S . -B build/aarch64 -G Ninja -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ -Ddoctest_DIR=/usr/lib/cmake/doctest \
  -DCMAKE_CXX_FLAGS=-DBERTIE_EMULATED -DBERTIE_PYTHON=OFF -DBERTIE_TESTS=ON \
  -DCMAKE_CROSSCOMPILING_EMULATOR="qemu-aarch64;-L;/usr/aarch64-linux-gnu"
cmake --build build/aarch64
ctest --test-dir build/aarch64 --output-on-failure --no-tests=error
