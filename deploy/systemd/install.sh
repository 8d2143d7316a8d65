#!/bin/sh
# Installs sessiontool and its nightly run on this machine; again, it brings both up to date:
#
#   sudo sh deploy/systemd/install.sh STORE [OUTPUT]
#
# STORE and OUTPUT are a folder or s3://bucket/prefix.  A folder becomes readable and writable for the user sessiontool.
# Settings in /etc/sessiontool.env are kept as they are, once there are some.  DESTDIR makes it all below a folder.
set -eu
store=${1:?usage: install.sh STORE [OUTPUT]}
output=${2:-}
source=$(cd "$(dirname "$0")/../.." && pwd)
root=${DESTDIR:-}
venv=$root/opt/sessiontool
units=$root/etc/systemd/system
env=$root/etc/sessiontool.env
exporter=$root/var/lib/prometheus/node-exporter
unit=sessiontool-batch

say() { printf '%s\n' "$*"; }
fail() { say "error: $*" >&2; exit 2; }

for place in "$store" "$output"; do
  case $place in
    '' | *://*) ;;
    /home/* | /root/*) fail "the unit sees no folder of a home: $place" ;;
    /*) [ -n "$root" ] || command -v setfacl >/dev/null || fail "setfacl is not there (apt-get install acl)" ;;
    *) fail "a folder needs its whole path: $place" ;;
  esac
done

if [ ! -e "$venv/.kept" ]; then # a marker for those who make the environment themselves
  [ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
  pip() { "$venv/bin/pip" install --quiet --no-build-isolation --use-pep517 "$@"; }
  pip --require-hashes --requirement "$source/deploy/requirements-build.txt"
  pip --require-hashes --requirement "$source/deploy/requirements.txt"
  pip --no-deps --force-reinstall "$source"
fi
say "program   $venv/bin/sessiontool"

if [ -z "$root" ] && ! id sessiontool >/dev/null 2>&1; then
  useradd --system --no-create-home --home-dir /var/lib/sessiontool --shell /usr/sbin/nologin sessiontool
fi

mkdir -p "$(dirname "$env")" "$units"
if [ ! -e "$env" ]; then
  (
    umask 077 # keys for a bucket may be written there
    printf 'SESSIONTOOL_STORE=%s\n' "$store" >"$env"
    [ -z "$output" ] || printf 'SESSIONTOOL_OUTPUT=%s\n' "$output" >>"$env"
  )
fi
say "settings  $env"

cp "$source/deploy/systemd/$unit.service" "$source/deploy/systemd/$unit.timer" "$units"
folders=
for place in "$store" "$output"; do
  case $place in
    '' | *://*) continue ;;
  esac
  mkdir -p "$place"
  # What others put there from now on is theirs, and the unit's to read and to write beside.
  [ -n "$root" ] || setfacl -R -m u:sessiontool:rwX,d:u:sessiontool:rwX "$place"
  folders="$folders $place"
done
rm -f "$units/$unit.service.d/folders.conf"
if [ -n "$folders" ]; then
  mkdir -p "$units/$unit.service.d"
  printf '[Service]\nReadWritePaths=%s\n' "${folders# }" >"$units/$unit.service.d/folders.conf"
  say "folders  $folders"
fi

if [ -d "$exporter" ]; then # where Debian's node exporter reads metrics of other programs
  ln -sf /var/lib/sessiontool/sessiontool.prom "$exporter/sessiontool.prom"
  say "metrics   $exporter/sessiontool.prom"
fi

[ -n "$root" ] || { systemctl daemon-reload && systemctl enable --now "$unit.timer"; }
say "next      systemctl start $unit.service, then journalctl -u $unit.service"
