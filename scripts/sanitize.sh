#!/usr/bin/env bash
# Build the core's tests with AddressSanitizer and UndefinedBehaviorSanitizer, then with
# ThreadSanitizer, and run them.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v ninja >/dev/null || missing+=(ninja-build)
command -v c++ >/dev/null || missing+=(g++)
[ -e /usr/include/doctest/doctest.h ] || missing+=(doctest-dev)
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "sanitize.sh: missing ${missing[*]}; install them and run it again" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# -O1: half the time to compile, and stack traces that still show the lines.
run() {  # folder, sanitizers
  cmake -S . -B "$1" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DBERTIE_PYTHON=OFF -DBERTIE_TESTS=ON \
    -DBERTIE_SANITIZE="$2"
  cmake --build "$1"
  UBSAN_OPTIONS=print_stacktrace=1 ctest --test-dir "$1" --output-on-failure --no-tests=error
}
run build/sanitize address,undefined
run build/sanitize-threads thread
