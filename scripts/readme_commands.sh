# Sourced: puts README's two commands into the array `commands`, and the Debian packages that it asks for
# into `packages`: its own lines, so that nothing that runs them can drift from it.
# shellcheck shell=bash disable=SC2034,SC2016
mapfile -t commands < <(grep -E '^pip install .* && ' README.md || true)
if [ "${#commands[@]}" -ne 2 ]; then
  echo "README.md has ${#commands[@]} lines 'pip install … && …', expected 2" >&2
  exit 1
fi
# shellcheck disable=SC2016
read -ra packages < <(grep -oP '`apt install \K[^`]+' README.md || true)
if [ "${#packages[@]}" -eq 0 ]; then
  echo "README.md does not say \`apt install …\`" >&2
  exit 1
fi
