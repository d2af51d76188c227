#!/usr/bin/env bash
# Builds the core and its tests by every compiler and, with zig, for every platform, warnings being
# errors; runs the tests where this machine can, and compares what each instruction set computes with
# what g++'s build does: scripts/check_platforms.sh [--only TARGET]
# musl's tests run as they are, Windows' under Wine, aarch64 Linux's under qemu; macOS' can't be run.
# Python's binding is built for Linux alone: other systems have other headers of Python's.
set -euo pipefail
cd "$(dirname "$0")/.."

all=(g++-11 g++-12 clang++-14 clang++-19 x86_64-w64-mingw32-g++-posix x86_64-linux-gnu.2.28
  x86_64-linux-musl x86_64-windows-gnu aarch64-linux-gnu.2.28 aarch64-macos x86_64-macos)
targets=("${all[@]}")
case "${1:-}" in
  "") ;;
  --only) targets=("${2:?"--only needs one of: ${all[*]}"}") ;;
  *)
    echo "usage: $0 [--only TARGET], one of: ${all[*]}" >&2
    exit 2
    ;;
esac

. scripts/needs.sh
wine=/usr/lib/wine/wine64
needs cmake cmake ninja ninja-build c++ g++ g++-11 g++-11 g++-12 g++-12 clang++-14 clang-14 \
  clang++-19 clang-19 /usr/include/doctest/doctest.h doctest-dev qemu-aarch64 qemu-user \
  "$wine" wine64 x86_64-w64-mingw32-g++-posix g++-mingw-w64-x86-64-posix \
  aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
builds=build/platforms
mkdir -p "$builds"
python=$PWD/$builds/venv/bin/python
[ -x "$python" ] || python3 -m venv "$builds/venv"
"$python" -m pip install --quiet --disable-pip-version-check ziglang==0.17.1 nanobind
export BERTIE_ZIG=$python WINEDEBUG=-all

build() {  # folder, CMake's options
  cmake -S . -B "$1" -G Ninja -DBERTIE_PYTHON=OFF -DBERTIE_TESTS=ON \
    -DCMAKE_COMPILE_WARNING_AS_ERROR=ON "${@:2}" >"$1.log"
  cmake --build "$1" >>"$1.log" || {
    tail -n 40 "$1.log" >&2
    return 1
  }
}

# Prints what another build of an architecture must compute.
reference() {
  local folder=$builds/reference-$1 cross=() emulator=()
  if [ "$1" != "$(uname -m)" ]; then
    cross=(-DCMAKE_SYSTEM_NAME=Linux "-DCMAKE_SYSTEM_PROCESSOR=$1" "-DCMAKE_CXX_COMPILER=$1-linux-gnu-g++")
    emulator=("qemu-$1" -L "/usr/$1-linux-gnu")
  fi
  build "$folder" "${cross[@]}"
  "${emulator[@]}" "$folder/core/tests/bits"
}

declare -A references=()
summary=()
failed=
for target in "${targets[@]}"; do
  printf '\n== %s (%s s)\n' "$target" "$SECONDS"
  folder=$builds/$target
  architecture=$(uname -m) emulator=() leave_out=() suffix=""
  options=("-DCMAKE_CXX_COMPILER=$target")
  if [[ $target != *++-* ]]; then
    architecture=${target%%-*}
    options=("-DCMAKE_TOOLCHAIN_FILE=$PWD/scripts/zig.cmake" "-DBERTIE_ZIG_TARGET=$target")
  fi
  unset BERTIE_EXPECTED_ISAS
  case $target in
    # Of g++ 12's own <algorithm>, which it compiles with here.
    clang++-19) options+=(-DCMAKE_CXX_FLAGS=-Wno-deprecated-declarations) ;;
    *-windows-*) emulator=("$wine") suffix=.exe ;;
    *-mingw32-*)
      options+=(-DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR=x86_64
        -DCMAKE_EXE_LINKER_FLAGS=-static)
      emulator=("$wine") suffix=.exe
      ;;
    aarch64-linux-*)
      emulator=(qemu-aarch64 -L /usr/aarch64-linux-gnu)
      leave_out=(-E fork_test) # qemu's emulation breaks at a fork
      export BERTIE_EXPECTED_ISAS="neonmmla neondot neon scalar"
      ;;
  esac
  binding=no
  if [[ $target == *-linux-* ]]; then
    binding=yes
    options+=(-DBERTIE_PYTHON=ON "-DPython_EXECUTABLE=$python")
  fi
  build "$folder" "${options[@]}" \
    "-DCMAKE_CROSSCOMPILING_EMULATOR=$(IFS=';' && echo "${emulator[*]}")"
  if [[ $target == *-macos ]]; then
    summary+=("$target: built; its tests can't be run here")
    continue
  fi
  ctest --test-dir "$folder" --output-on-failure --no-tests=error "${leave_out[@]}" |
    tee "$folder/tests"
  "${emulator[@]}" "$folder/core/tests/bits$suffix" | tr -d '\r' >"$folder/bits"
  if [ -z "${references[$architecture]:-}" ]; then
    reference "$architecture" >"$builds/$architecture.bits"
    references[$architecture]=made
  fi
  same="the bits of g++'s"
  diff "$builds/$architecture.bits" "$folder/bits" || same="OTHER BITS than g++'s" failed=yes
  isas=$(cut -d' ' -f1 "$folder/bits" | uniq | tr '\n' ' ')
  cases=$(for one in "$folder"/core/tests/*_test"$suffix"; do
    [[ $one == */fork_test && ${#leave_out[@]} -gt 0 ]] || "${emulator[@]}" "$one" --count
  done | tr -d '\r' | awk '/unskipped/ { cases += $NF } END { print cases }')
  [ $binding = no ] || same="$same; Python's binding built"
  if [[ $target == x86_64-linux-gnu* ]]; then
    PYTHONPATH=$folder/bindings "$python" -c 'import _core; print(*_core.available_isas())' |
      grep -qx "${isas% }"
    same="$same and imported"
  fi
  summary+=("$target: $(grep 'tests passed' "$folder/tests") ($cases cases) on $isas; $same")
done

printf '\n== Summary\n'
printf '%s\n' "${summary[@]}"
[ -z "$failed" ]
