#!/usr/bin/env bash
# Runs README's two commands as written, on the committed tree, in a fresh Debian with nothing but
# what README asks for:
#   scripts/check_debian.sh trixie
# Needs root, for the chroot.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:?"usage: scripts/check_debian.sh SUITE (bookworm, trixie)"}

. scripts/chroot.sh
. scripts/readme_commands.sh

work=$(mktemp -d)
trap 'chroot_delete "$work"' EXIT
root=$work/root
chroot_make "$root" "$suite" "${packages[@]}"

mkdir "$root/root/bertie"
git archive HEAD | tar -x -C "$root/root/bertie"
in_venv() {  # command, as README has it
  chroot_run "$root" bash -euo pipefail -c \
    'cd /root/bertie; [ -e /root/venv ] || python3 -m venv /root/venv
     source /root/venv/bin/activate
     '"$1"
}
in_venv 'grep PRETTY_NAME /etc/os-release; python3 --version; c++ --version | head -n 1'
in_venv "${commands[0]}" | tee "$work/answer"
python3 .ci/check_answer.py "$work/answer"
in_venv "${commands[1]}"
