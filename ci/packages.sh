# Sourced by ci/setup and ci/board: packages of Debian and Ubuntu. `$me` is the script that speaks.

run_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else echo "$me: '$*' needs root; run it as root, or install sudo" >&2; exit 1
  fi
}

# A machine that was just started may be busy with packages of its own: its locks are waited for. The lock of
# the package lists has no time-out of its own in apt, so `update` is tried again.
update_lists() {
  [ -z "${lists_are_new:-}" ] || return 0
  local tries=60
  until run_as_root apt-get update -qq; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "$me: apt-get update does not succeed; see its message above" >&2; exit 1; }
    echo "$me: apt-get update did not succeed; it is tried again in 5 s" >&2
    sleep 5
  done
  lists_are_new=yes
}

install_package() { # package
  update_lists
  run_as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=600 install -qq -y "$1" >/dev/null ||
    { echo "$me: the package $1 could not be installed; see apt's message above" >&2; exit 1; }
}

want_package() { # program, package
  if command -v "$1" >/dev/null; then echo "$me: $1 is here"; return; fi
  if ! command -v apt-get >/dev/null; then
    echo "$me: $1 is missing; install it (Debian's package $2)" >&2; exit 1
  fi
  echo "$me: installing $2 for $1"
  install_package "$2"
}

# The keyring and the mirror of Debian, whatever this machine's distribution is: keyring, mirror.
find_debian() {
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -e "$keyring" ] || install_package debian-archive-keyring
  mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ') || true
  mirror=${mirror:-http://deb.debian.org/debian}
}
