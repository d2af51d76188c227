#!/usr/bin/env bash
# Tries the wheels that build_wheels.sh left in dist/ where there is no compiler: each x86-64 wheel
# passes the tests that need no source tree in a fresh Debian, and each aarch64 wheel embeds a text
# under qemu's emulation as the x86-64 one does. Needs root, for the chroots.
set -euo pipefail
cd "$(dirname "$0")/.."

most=130  # MB that `pip install bertie` brings

. scripts/chroot.sh

work=$(mktemp -d)
trap 'chroot_delete "$work"' EXIT

check() {  # suite, Python's version, the wheel's tag
  local root=$work/$1-amd64 arm=$work/$1-arm64 python=python$2
  chroot_make "$root" "$1" python3 python3-venv
  mkdir "$root/root/bertie"
  cp -r dist/*-"$3"-*_x86_64.whl tests pyproject.toml scripts/try_wheel.py "$root/root/bertie"
  # shellcheck disable=SC2016
  chroot_run "$root" bash -euo pipefail -c '
    cd /root/bertie
    if command -v cc c++ gcc g++ clang; then echo "this root has a compiler" >&2; exit 1; fi
    python3 -m venv bare && bare/bin/pip --disable-pip-version-check uninstall --quiet --yes setuptools
    before=$(du -sm bare | cut -f1)
    bare/bin/pip install --quiet --disable-pip-version-check --no-compile ./*.whl
    brought=$(($(du -sm bare | cut -f1) - before))
    echo "$(grep PRETTY_NAME /etc/os-release) $(bare/bin/python --version): pip install bertie brings $brought MB"
    [ "$brought" -le "$1" ]
    bare/bin/python try_wheel.py minilm /root/vector.npy
    python3 -m venv venv
    venv/bin/pip install --quiet --disable-pip-version-check "$(echo ./*.whl)[test]"
    venv/bin/pytest
  ' check "$most"

  # Debian for arm64, unpacked, not set up; what it needs from PyPI beside it.
  needs qemu-aarch64 qemu-user
  chroot_unpack "$arm" "$1" arm64 python3
  python3 -m pip install --quiet --disable-pip-version-check --target "$arm/site" --only-binary=:all: \
    --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 --python-version "$2" \
    dist/*-"$3"-*_aarch64.whl
  PYTHONHOME=$arm/usr PYTHONPATH=$arm/site BERTIE_HOME=$root/root/.cache/bertie \
    qemu-aarch64 -L "$arm" "$arm/usr/bin/$python" scripts/try_wheel.py \
    minilm "$work/vector.npy" "$root/root/vector.npy"
  chroot_delete "$root" "$arm"
}
check bookworm 3.11 cp311
check trixie 3.13 abi3
