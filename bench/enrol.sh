#!/bin/bash
# How fast a fleet comes in: devices added per second, and joined per second (key, request, certificate
# by EST over TLS 1.3, all files written, each in a process of its own as on a device; no tunnels).
#   bench/enrol.sh [BUILD_DIR [DEVICES]]        on loopback, in a directory of its own
# SPDX-License-Identifier: Apache-2.0
set -eu
BUILD=$(cd "${1:-build}" && pwd)
DEVICES=${2:-200}
RUN=$(mktemp -d "${TMPDIR:-/tmp}/culvert-enrol.XXXXXX")
fleetd=
cleanup() {
    [ -z "$fleetd" ] || { kill "$fleetd" 2>/dev/null || true; wait "$fleetd" 2>/dev/null || true; }
    rm -rf "$RUN"
}
trap cleanup EXIT
culvert() { "$BUILD/culvert" "$@"; }
ms() { echo $(($(date +%s%N) / 1000000)); }
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/$1/stat"; }
rate() { echo "$1 devices in $2 ms: $(($1 * 1000 / ($2 > 0 ? $2 : 1))) per second"; }

culvert init --name gw.example --address 127.0.0.1:18443 --listen 127.0.0.1:18443 --pool 10.99.0.0/16 \
    --service 10.77.3.0/24 --root "$RUN/gw" >/dev/null
# All of them come from one address here, which a fleet does not.
sed -i 's/^fleet {/&\n    request_burst = 100000\n    requests_per_second = 1000\n    connections_per_source = 1000/' \
    "$RUN/gw/etc/culvert/fleet.conf"
"$BUILD/culvert-fleetd" -c "$RUN/gw/etc/culvert/fleet.conf" 2>"$RUN/fleetd.log" &
fleetd=$!
for _ in $(seq 100); do grep -q ready "$RUN/fleetd.log" && break; sleep 0.1; done
grep -q ready "$RUN/fleetd.log" || { cat "$RUN/fleetd.log" >&2; exit 1; }

begun=$(ms)
culvert device add --count 10000 --prefix many- --root "$RUN/gw" >/dev/null
echo "added:  $(rate 10000 $(($(ms) - begun)))"

culvert device add --count "$DEVICES" --prefix s- --root "$RUN/gw" >"$RUN/bundles"
begun=$(ms) used=$(cpu_ms "$fleetd")
nl -w1 -s' ' "$RUN/bundles" | xargs -P 16 -L 1 sh -c \
    "'$BUILD/culvert' join \"\$1\" --root '$RUN/dev'\$0 --no-start >/dev/null 2>>'$RUN/failed'" || true
taken=$(($(ms) - begun))
joined=$(ls -d "$RUN"/dev*/etc/culvert/culvert.conf 2>/dev/null | wc -l)
[ "$joined" = "$DEVICES" ] || { sort "$RUN/failed" | uniq -c | sort -rn | head -5 >&2; echo "only $joined of $DEVICES joined" >&2; exit 1; }
echo "joined: $(rate "$DEVICES" "$taken")"
used=$(($(cpu_ms "$fleetd") - used))
echo "gateway: $used ms of processor time for $DEVICES joins: $((DEVICES * 1000 / (used > 0 ? used : 1))) per second and core"
