#!/bin/bash
# make install and make uninstall in a directory of their own: what is put is used as it lies there, what was there
# stays, and what was put is gone.
#   tests/install.sh BUILD_DIR
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
dest=$(mktemp -d)
kept=$(mktemp -d)
cp "$build/install_manifest.txt" "$kept/" 2>/dev/null || true
restore() { cp "$kept/install_manifest.txt" "$build/" 2>/dev/null || rm -f "$build/install_manifest.txt"; }
trap 'restore; rm -rf "$dest" "$kept"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

mkdir -p "$dest/etc/culvert"
echo "# an operator's" >"$dest/etc/culvert/culvert.conf"
for round in first second; do # installing twice is installing once
    DESTDIR=$dest cmake --install "$build" >"$kept/log" || fail "$round: $(tail -n 3 "$kept/log")"
done
put() { find "$dest" -name "$1" \( -type f -o -type l \) | grep . || fail "no $1 is installed"; }
for file in culvertd culvert libculvert.a engine.h culvert.pc culvertd.service strict-inbound culvert.1 culvert-packet.1 \
    culvert-fleetd culvert-fleetd.service culvert-fleet.json culvert-alerts.yml culvert-fleetd.8 \
    culvertd.8 culvert.conf.5 _culvert culvert.fish culvert.conf.sample; do
    put "$file" >/dev/null
done
[ "$(cat "$dest/etc/culvert/culvert.conf")" = "# an operator's" ] || fail "culvert.conf is overwritten"
"$(put culvert | grep '/bin/culvert$')" --version | grep -q '^culvert [0-9]' || fail "the installed culvert"
grep -q "^ExecStart=.*$(put culvertd | sed "s|^$dest||")\$" "$(put culvertd.service)" || fail "the unit starts another culvertd"

# Completion, as bash does it, with what lies there.
bash -eu -c '
    PATH=$(dirname "$1"):$PATH
    source "$2"
    complete_words() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _culvert culvert; echo "${COMPREPLY[*]}"; }
    [ "$(complete_words culvert sta)" = status ] || { complete_words culvert sta; exit 1; }
    [ "$(complete_words culvert status --pe)" = --peer ] || { complete_words culvert status --pe; exit 1; }
    [ "$(complete_words culvert up --pe)" = "" ] || { complete_words culvert up --pe; exit 1; }
    [ "$(complete_words culvert packet ex)" = explain ]
' - "$(put culvert | grep '/bin/culvert$')" "$(put culvert | grep bash-completion)" || fail "completion"

DESTDIR=$dest "$root/packaging/uninstall.sh" "$build" || fail "uninstall"
left=$(find "$dest" \( -type f -o -type l \) ! -path "$dest/etc/culvert/culvert.conf")
[ -z "$left" ] || fail "left behind: $left"
left=$(find "$dest" -type d -name culvert ! -path "$dest/etc/culvert")
[ -z "$left" ] || fail "directories left behind: $left"
[ -f "$dest/etc/culvert/culvert.conf" ] || fail "the operator's file is gone"
echo ok
