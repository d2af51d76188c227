#!/usr/bin/env bash
# Build the core's tests with AddressSanitizer and UndefinedBehaviorSanitizer, then with
# ThreadSanitizer, and run them.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/needs.sh
needs cmake cmake ninja ninja-build c++ g++ /usr/include/doctest/doctest.h doctest-dev

# -O1: half the time to compile, and stack traces that still show the lines.
run() {  # folder, sanitizers, the tests
  cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DBERTIE_PYTHON=OFF -DBERTIE_TESTS=ON \
    -DBERTIE_SANITIZE="$2"
  cmake --build "$1" --target "${@:3}"
  UBSAN_OPTIONS=print_stacktrace=1 \
    ctest --test-dir "$1" --output-on-failure --no-tests=error -R "$(IFS='|' && echo "${*:3}")"
}
run build/sanitize address,undefined runtime_test fork_test text_test kernels_test attention_test norms_test \
  encoder_test layers_test long_texts_test bundle_test
# The kernels start no threads of their own, and ThreadSanitizer follows no fork.
run build/sanitize-threads thread runtime_test text_test encoder_test long_texts_test
