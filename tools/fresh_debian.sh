#!/usr/bin/env bash
# Proves that a bare Debian 12 is enough: a minimal system made by debootstrap, this repository as
# committed, README's commands, run as root inside. Needs root, debootstrap and git on the host.
#
#   tools/fresh_debian.sh [--base DIR] [--keep] [--worktree] [TARGET...]
#
#   TARGET       make targets to run; default: quickstart check
#   --base DIR   keep the minimal system there, to be copied again next time
#   --keep       leave the folder that was worked in, and say where it is
#   --worktree   take the files as they are now, not as committed
#
# The host's way to the network goes along: name resolution, certificates, the settings of apt, pip
# and npm and the variables that carry them. DEBIAN_MIRROR names another mirror than deb.debian.org.
set -euo pipefail
cd "$(dirname "$0")/.."

# In a mount namespace of its own nothing stays mounted on the host, however this ends.
if [[ ${FRESH_DEBIAN_INSIDE:-} != yes && $(id -u) -eq 0 ]]; then
  FRESH_DEBIAN_INSIDE=yes exec unshare --mount --propagation private tools/fresh_debian.sh "$@"
fi

base="" keep=false worktree=false targets=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --base) base=${2:?--base needs a folder}; shift ;;
    --keep) keep=true ;;
    --worktree) worktree=true ;;
    -*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
[[ ${#targets[@]} -gt 0 ]] || targets=(quickstart check)
[[ $(id -u) -eq 0 ]] || { echo "fresh_debian: needs root, for debootstrap and chroot" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/fresh-debian.XXXXXX")
root=$work/root
cleanup() {
  local mounted
  for mounted in "$root/dev" "$root/proc"; do
    if mountpoint -q "$mounted"; then umount --recursive --lazy "$mounted"; fi
  done
  if $keep; then echo "fresh_debian: left in $root"; else rm -rf --one-file-system "$work"; fi
}
trap cleanup EXIT

copy_if_there() {  # PATH...: the host's file or folder to the same place inside
  local path
  for path in "$@"; do
    [[ -e $path ]] || continue
    mkdir -p "$root$(dirname "$path")"
    cp -aL "$path" "$root$(dirname "$path")/" 2>/dev/null || true  # a dangling link stays out
  done
}

carry_network_settings() {
  local file
  mkdir -p "$root$HOME"
  rm -f "$root/etc/resolv.conf"
  copy_if_there /etc/resolv.conf /etc/hosts /etc/pip.conf "$HOME/.config/pip" "$HOME/.pip" \
    /etc/npmrc "$HOME/.npmrc" \
    /etc/ssl/certs /usr/local/share/ca-certificates
  for file in $(grep -lis 'acquire' /etc/apt/apt.conf /etc/apt/apt.conf.d/*); do
    copy_if_there "$file"
  done
  for file in ${PIP_FIND_LINKS:-}; do
    if [[ $file == /* ]]; then copy_if_there "$file"; fi
  done
}

inside() {  # COMMAND: run by bash in the new system, with the variables of the network only
  local settings network='\w+_proxy|PIP_\w+|npm_config_\w+|NODE_\w*CERTS|SSL_\w+|GIT_SSL_\w+'
  mapfile -t settings < <(env | grep -iE "^($network|\w+_CA_BUNDLE)=")
  chroot "$root" /usr/bin/env -i HOME="$HOME" LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    "${settings[@]}" bash -c "$1" </dev/null
}

step() {  # TITLE COMMAND...
  local title=$1 started=$SECONDS
  shift
  echo "fresh_debian: $title"
  "$@"
  timings+=("$(printf '%5d s  %s' $((SECONDS - started)) "$title")")
}

make_base() {
  local mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
  debootstrap --variant=minbase bookworm "$work/base" "$mirror" >/dev/null
  mv "$work/base" "$1"  # so that a base is there whole or not at all
}

copy_repository() {
  mkdir -p "$root/src"
  if $worktree; then
    mkdir "$root/src/deltalakedb"
    git ls-files -z --cached --others --exclude-standard |
      tar --null --files-from=- --ignore-failed-read --create | tar -x -C "$root/src/deltalakedb"
  else
    git clone --quiet --no-hardlinks . "$root/src/deltalakedb"
  fi
  if [[ -f ../shared/tables-dev.tar.zst ]]; then
    mkdir "$root/src/shared"
    cp ../shared/tables-dev.tar.zst "$root/src/shared/"
  fi
}

timings=()
if [[ -z $base ]]; then
  step "making a minimal Debian 12" make_base "$root"
else
  [[ -e $base/etc/debian_version ]] || step "making a minimal Debian 12 in $base" make_base "$base"
  step "copying $base" cp -a --reflink=auto "$base" "$root"
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
carry_network_settings
copy_repository
step "apt-get update && apt-get install -y git make" \
  inside 'apt-get update -qq && apt-get install -y -qq git make >/dev/null'
for target in "${targets[@]}"; do
  step "make $target" inside "cd /src/deltalakedb && make $target"
done
printf '%s\n' "fresh_debian: all of it worked on a bare Debian 12" "${timings[@]}"
