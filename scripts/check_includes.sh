#!/usr/bin/env bash
# Checks that every C++ file includes what it uses and nothing else (.clang-tidy says which headers
# stand for others): scripts/check_includes.sh [--fix] [FILE…]
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/needs.sh
needs clang-tidy-19 clang-tidy-19 /usr/include/doctest/doctest.h doctest-dev
options=(--quiet)
if [ "${1:-}" = --fix ]; then
  options+=(--fix --format-style=file)
  shift
fi
# Left out: what another system or instruction set than this one's needs.
if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files 'core/*.h' 'core/*.cc' 'bindings/*.h' 'bindings/*.cc' |
    grep -vE '^core/(kernels/vec/|tests/(dpbf16|tiles).h|runtime/(cpu_aarch64|system_macos|system_windows))')
  set -- "${files[@]}"
fi
python=python3
if ! python3 -c 'import nanobind' 2>/dev/null; then
  python=build/includes/bin/python
  [ -x "$python" ] || python3 -m venv build/includes
  "$python" -m pip install --quiet --disable-pip-version-check nanobind
fi
flags=(-x c++ -std=c++20 -Icore -Icore/tests -isystem /usr/include/doctest
  -DBERTIE_ISA=scalar '-DBERTIE_COMPILER=""'
  '-DBERTIE_TEST_DATA=""' "-I$("$python" -m nanobind --include_dir)"
  "-I$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')")
jobs=$(nproc)
[[ ${options[*]} != *--fix* ]] || jobs=1 # two would write the same header
printf '%s\0' "$@" |
  xargs -0 -P "$jobs" -I {} clang-tidy-19 "${options[@]}" {} -- "${flags[@]}" 2>/dev/null
