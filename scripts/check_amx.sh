#!/usr/bin/env bash
# Whether the kernels for Intel's AMX are right: the core's tests, whole encoders among them, and random
# batches. On a CPU that has AMX they run on it, and its speed beside AVX-512's is shown; with
# --emulated, on any CPU that has AVX-512 with VNNI, on a stand-in for the tiles in plain C++.
# Installs what is missing where it may.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/needs.sh
needs cmake cmake ninja ninja-build c++ g++ /usr/include/doctest/doctest.h doctest-dev

emulated=OFF
case "${1:-}" in
  "") ;;
  --emulated) emulated=ON ;;
  *)
    echo "usage: $0 [--emulated]" >&2
    exit 2
    ;;
esac
has() { for flag in "$@"; do grep -qw "$flag" /proc/cpuinfo || return 1; done; }
if [ $emulated = ON ] && ! has avx512_vnni; then
  echo "$0: this CPU has no AVX-512 with VNNI, which the emulation runs on" >&2
  exit 3
elif [ $emulated = OFF ] && ! has amx_tile amx_int8 amx_bf16; then
  echo "$0: this CPU shows no AMX; --emulated checks the same kernels without it" >&2
  exit 3
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
# shellcheck disable=SC1091
. "$work/venv/bin/activate"
export BERTIE_HOME=$work/home
pip install --quiet --disable-pip-version-check . -C cmake.define.BERTIE_EMULATE_AMX=$emulated
cmake -S . -B build/amx -G Ninja -DBERTIE_PYTHON=OFF -DBERTIE_TESTS=ON -DBERTIE_EMULATE_AMX=$emulated
cmake --build build/amx --target kernels_test encoder_test layers_test
ctest --test-dir build/amx --output-on-failure --no-tests=error -R 'kernels_test|encoder_test|layers_test'

cd "$work" # not Bertie's sources, which have no core
root=$OLDPWD
python "$root/scripts/check_invariance.py" "$root/tests/data/tiny-sentence" --isa amx
if [ $emulated = OFF ]; then
  python "$root/scripts/check_invariance.py" minilm --isa amx --compositions 1000
  for isa in amx avx512bf16 avx512vnni; do
    BERTIE_ISA=$isa bertie bench --precisions --as table
  done
fi
