# shellcheck shell=bash
# Sourced by the scripts beside it. needs WHAT PACKAGE [WHAT PACKAGE …]: installs the Debian package
# of each command or file that is missing, where that is allowed; otherwise says what to install.
needs() {
  local missing=()
  while [ $# -gt 0 ]; do
    command -v "$1" >/dev/null || [ -e "$1" ] || missing+=("$2")
    shift 2
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    echo "$(basename "$0"): missing ${missing[*]}; install them and run it again" >&2
    return 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}
