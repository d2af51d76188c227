#!/usr/bin/env bash
# Builds the core and its tests with zig for every platform, runs them where this machine can, and
# compares what each instruction set computes with what a build by this machine's own compiler does:
# scripts/check_platforms.sh [--only TARGET]
# musl's run as they are, Windows' under Wine, aarch64 Linux's under qemu; macOS' can only be built.
set -euo pipefail
cd "$(dirname "$0")/.."

all=(x86_64-linux-gnu.2.28 x86_64-linux-musl x86_64-windows-gnu aarch64-linux-gnu.2.28
  aarch64-macos x86_64-macos)
targets=("${all[@]}")
case "${1:-}" in
  "") ;;
  --only) targets=("${2:?"--only needs one of: ${all[*]}"}") ;;
  *) echo "usage: $0 [--only TARGET], one of: ${all[*]}" >&2; exit 2 ;;
esac

. scripts/needs.sh
wine=/usr/lib/wine/wine64
needs cmake cmake ninja ninja-build c++ g++ /usr/include/doctest/doctest.h doctest-dev \
  qemu-aarch64 qemu-user "$wine" wine64 aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
if [ -z "${BERTIE_ZIG:-}" ]; then
  [ -x build/zig/bin/python ] || python3 -m venv build/zig
  build/zig/bin/pip install --quiet --disable-pip-version-check ziglang==0.17.1
  BERTIE_ZIG=$PWD/build/zig/bin/python
fi
export BERTIE_ZIG WINEDEBUG=-all
mkdir -p build/platforms

build() {  # folder, CMake's options
  cmake -S . -B "$1" -G Ninja -DBERTIE_PYTHON=OFF -DBERTIE_TESTS=ON \
    -DCMAKE_COMPILE_WARNING_AS_ERROR=ON -Ddoctest_DIR=/usr/lib/cmake/doctest "${@:2}" >/dev/null
  cmake --build "$1"
}

# What another build must compute, made once for each architecture.
reference() {  # architecture
  local folder=build/platforms/reference-$1 cross=()
  [ "$1" = "$(uname -m)" ] || cross=(-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$1"
    -DCMAKE_CXX_COMPILER="$1-linux-gnu-g++")
  build "$folder" "${cross[@]}" >&2
  local emulator=()
  [ "$1" = "$(uname -m)" ] || emulator=("qemu-$1" -L "/usr/$1-linux-gnu")
  "${emulator[@]}" "$folder/core/tests/bits"
}

summary=()
for target in "${targets[@]}"; do
  printf '\n== %s (%s s)\n' "$target" "$SECONDS"
  folder=build/platforms/$target
  emulator=() leave_out=() suffix="" runs=yes
  case $target in
    x86_64-windows-*) emulator=("$wine") suffix=.exe ;;
    aarch64-linux-*)
      emulator=(qemu-aarch64 -L /usr/aarch64-linux-gnu)
      leave_out=(-E fork_test)  # qemu's emulation breaks at a fork
      export BERTIE_EXPECTED_ISAS="neonmmla neondot neon scalar" ;;
    *-macos) runs=no ;;
  esac
  build "$folder" -DCMAKE_TOOLCHAIN_FILE="$PWD/scripts/zig.cmake" -DBERTIE_ZIG_TARGET="$target" \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$(IFS=';' && echo "${emulator[*]}")"
  if [ $runs = no ]; then
    summary+=("$target: built; its tests can't be run here")
    continue
  fi
  ctest --test-dir "$folder" --output-on-failure --no-tests=error "${leave_out[@]}" |
    tee "$folder/tests"
  unset BERTIE_EXPECTED_ISAS
  "${emulator[@]}" "$folder/core/tests/bits$suffix" | tr -d '\r' >"$folder/bits"
  architecture=${target%%-*}
  [ -f "build/platforms/$architecture.bits" ] && [ -z "${1:-}" ] ||
    reference "$architecture" >"build/platforms/$architecture.bits"
  same="the same bits as g++'s build on"
  if ! diff "build/platforms/$architecture.bits" "$folder/bits"; then same="OTHER BITS than g++'s on"; fi
  summary+=("$target: $(grep 'tests passed' "$folder/tests"), $same \
$(cut -d' ' -f1 "$folder/bits" | uniq | tr '\n' ' ')")
done

printf '\n== Summary\n'
printf '%s\n' "${summary[@]}"
! printf '%s\n' "${summary[@]}" | grep -q OTHER
