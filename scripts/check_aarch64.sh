#!/usr/bin/env bash
# Builds the core for aarch64 with a cross compiler and runs its tests under qemu's emulation:
# whether the NEON kernels are right, not how fast they are. Installs what is missing where it may.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/needs.sh
needs cmake cmake ninja ninja-build aarch64-linux-gnu-g++ g++-aarch64-linux-gnu \
  qemu-aarch64 qemu-user /usr/include/doctest/doctest.h doctest-dev

cmake -S . -B build/aarch64 -G Ninja -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
  -DBERTIE_PYTHON=OFF -DBERTIE_TESTS=ON \
  -DCMAKE_CROSSCOMPILING_EMULATOR="qemu-aarch64;-L;/usr/aarch64-linux-gnu"
cmake --build build/aarch64

# Everything on a CPU that has every instruction, the kernels also on older ones: dispatch must
# choose what these run.
run() {  # CPU, its ISAs, ctest's options
  QEMU_CPU=$1 BERTIE_EXPECTED_ISAS=$2 \
    ctest --test-dir build/aarch64 --output-on-failure --no-tests=error "${@:3}"
}
# At a fork the emulation breaks, and long texts take it ten minutes: layers_test has the same encoders.
run max "neonmmla neondot neon scalar" -E "fork_test|long_texts_test"
run cortex-a76 "neondot neon scalar" -R "kernels_test|attention_test|norms_test"
run cortex-a53 "neon scalar" -R "kernels_test|attention_test|norms_test"
