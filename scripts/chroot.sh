# Sourced by the scripts beside it: chroots of Debian, made with debootstrap from the mirror in apt's
# own configuration (or $DEBIAN_MIRROR), with this machine's way to the network and to packages.
# shellcheck shell=bash source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/needs.sh"

chroot_cache=${XDG_CACHE_HOME:-$HOME/.cache}/bertie-chroots

# Runs a command with a root's /proc and /dev mounted, in namespaces of its own: however it ends, its
# mounts and its processes end with it, and nobody else ever sees them.
chroot_private() {  # root, command …
  # shellcheck disable=SC2016
  unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
    mkdir -p "$0/proc" "$0/dev"
    mount -t proc proc "$0/proc"
    mount --rbind /dev "$0/dev"
    "$@"' "$@"
}

# The variables by which pip and TLS find their way.
chroot_variables() {
  local name
  while read -r name; do
    printf '%s=%s\n' "$name" "${!name}"
  done < <(compgen -e | grep -E '^PIP_|^SSL_CERT_|_CA_BUNDLE$|^(https?|no|all)_proxy$|^(HTTPS?|NO|ALL)_PROXY$')
}

# Runs a command inside, with nothing of the environment but those.
chroot_run() {  # root, command …
  local root=$1 variables
  mapfile -t variables < <(chroot_variables)
  chroot_private "$root" chroot "$root" env -i HOME=/root LANG=C.UTF-8 CI=true \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    "${variables[@]}" "${@:2}" </dev/null
}

chroot_mirror() {
  local mirror
  # shellcheck disable=SC2016
  mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/$' || true)}
  if [ -z "$mirror" ]; then
    echo "apt's configuration names no mirror of Debian; name one in DEBIAN_MIRROR" >&2
    return 1
  fi
  echo "$mirror"
}

# Fills a root by debootstrap, or from the tarball that is kept of what it made.
chroot_fill() {  # root, suite, its architecture, packages separated by commas, debootstrap's options …
  local root=$1 suite=$2 architecture=$3 packages=$4 kept mirror deb
  kept=$chroot_cache/$suite-$architecture-$packages.tar
  mkdir -p "$chroot_cache" "$root"
  if [ -e "$kept" ]; then
    tar -C "$root" -xf "$kept"
    return
  fi
  needs debootstrap debootstrap unshare util-linux
  mirror=$(chroot_mirror)
  echo "debootstrap $suite for $architecture, with $packages"
  unshare --mount debootstrap --arch="$architecture" --variant=minbase --include="$packages" \
    "${@:5}" "$suite" "$root" "$mirror" >"$root.log" || { tail -n 20 "$root.log" >&2; return 1; }
  if [ -d "$root/debootstrap" ]; then  # --foreign: its packages are here and not yet unpacked
    for deb in "$root"/var/cache/apt/archives/*.deb; do
      dpkg --fsys-tarfile "$deb" | tar -C "$root" --keep-directory-symlink -xf -
    done
  fi
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root.log"
  tar -C "$root" --exclude='./dev/*' --exclude='./proc/*' -cf "$kept.part" .
  mv "$kept.part" "$kept"
}

# Makes a folder another architecture's Debian, unpacked and not set up: for an emulator to look in.
chroot_unpack() {  # root, suite, architecture, packages …
  chroot_fill "$1" "$2" "$3" "$(IFS=, && echo "${*:4}")" --foreign
}

# Makes a folder a fresh Debian with these packages.
chroot_make() {  # root, suite, packages …
  local root=$1 value
  chroot_fill "$root" "$2" "$(dpkg --print-architecture)" "$(IFS=, && echo "${*:3}")"
  while read -r value; do
    [ ! -e "$value" ] || cp -rL --remove-destination --parents "$value" "$root"
  done < <(
    printf '%s\n' /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt /etc/pip.conf
    chroot_variables | cut -d= -f2- | tr ' ' '\n' | grep '^/' || true
  )
  mkdir -p "$root/root/.config/pip"
  for value in "$HOME/.pip/pip.conf" "${XDG_CONFIG_HOME:-$HOME/.config}/pip/pip.conf"; do
    [ ! -e "$value" ] || cp "$value" "$root/root/.config/pip/"
  done
}

# Deletes a folder with roots in it, and first ends what still runs in them, should the script have been
# ended before its command. Stays on the folder's file system, should anything be mounted there.
chroot_delete() {
  local folder process
  for folder; do
    for process in /proc/[0-9]*; do
      case $(readlink "$process/root" || true) in
        "$folder"/*) kill -KILL "${process#/proc/}" 2>/dev/null || true ;;
      esac
    done
  done
  rm -rf --one-file-system "$@"
}
