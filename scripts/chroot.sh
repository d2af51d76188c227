# Sourced by the scripts beside it: chroots of Debian, made with debootstrap from the mirror in apt's
# own configuration (or $DEBIAN_MIRROR), with this machine's way to the network and to packages.
# shellcheck shell=bash
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

# Makes a folder a fresh Debian with these packages. What debootstrap makes is kept as a tarball.
chroot_make() {  # root, suite, packages …
  local root=$1 suite=$2 kept mirror value
  needs debootstrap debootstrap unshare util-linux
  kept=$chroot_cache/$suite-$(IFS=+ && echo "${*:3}").tar
  mkdir -p "$chroot_cache" "$root"
  if [ ! -e "$kept" ]; then
    # shellcheck disable=SC2016
    mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/$' || true)}
    if [ -z "$mirror" ]; then
      echo "apt's configuration names no mirror of Debian; name one in DEBIAN_MIRROR" >&2
      return 1
    fi
    echo "debootstrap $suite with ${*:3}"
    unshare --mount debootstrap --variant=minbase --include="$(IFS=, && echo "${*:3}")" \
      "$suite" "$root" "$mirror" >"$root.log" || { tail -n 20 "$root.log" >&2; return 1; }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root.log"
    tar -C "$root" --exclude='./dev/*' --exclude='./proc/*' -cf "$kept.part" .
    mv "$kept.part" "$kept"
  else
    tar -C "$root" -xf "$kept"
  fi
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

# Deletes a folder and roots in it; stays on its file system, should anything be mounted there.
chroot_delete() {
  rm -rf --one-file-system "$@"
}
