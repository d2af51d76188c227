# Sourced: puts README's two commands into the array `commands`, its own lines, so that nothing that
# runs them can drift from it.
# shellcheck shell=bash
mapfile -t commands < <(grep -E '^pip install .* && ' README.md || true)
if [ "${#commands[@]}" -ne 2 ]; then
  echo "README.md has ${#commands[@]} lines 'pip install … && …', expected 2" >&2
  exit 1
fi
