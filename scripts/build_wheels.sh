#!/usr/bin/env bash
# Makes the source distribution of the committed tree, and from it the wheels for Linux, in dist/:
# for Python 3.11 in Debian 12, for 3.12 and later (the stable ABI) in Debian 13, each for x86-64 and
# aarch64. zig compiles, which links against an old glibc wherever it runs. check_wheels.sh tries them.
# Needs root, for the chroots.
set -euo pipefail
cd "$(dirname "$0")/.."

zig=0.17.1
glibc=2.28
most=$((5 * 1024 * 1024))  # bytes of a wheel

. scripts/chroot.sh

work=$(mktemp -d)
trap 'chroot_delete "$work"' EXIT
rm -rf dist
mkdir -p dist "$work/tree"

git archive HEAD | tar -x -C "$work/tree"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check build
"$work/venv/bin/python" -m build --sdist --outdir "$PWD/dist" "$work/tree"
if tar -tzf dist/*.tar.gz | grep -E '/(benchmarks|\.ci)/'; then
  echo "the source distribution holds what only a checkout needs" >&2
  exit 1
fi

wheels() {  # suite
  local root=$work/$1
  chroot_make "$root" "$1" python3-dev python3-venv
  mkdir "$root/root/bertie"
  tar -xzf dist/*.tar.gz --strip-components=1 -C "$root/root/bertie"
  chroot_run "$root" bash /root/bertie/scripts/manylinux.sh "$zig" "$glibc" /root/wheels x86_64 aarch64
  cp "$root"/root/wheels/*.whl dist/
  chroot_delete "$root"
}
wheels bookworm
wheels trixie

for wheel in dist/*.whl; do
  size=$(stat -c %s "$wheel")
  echo "$wheel: $size bytes"
  if [ "$size" -gt "$most" ]; then
    echo "$wheel is larger than $most bytes" >&2
    exit 1
  fi
done
