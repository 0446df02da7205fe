#!/bin/bash
# A device behind a NAT publishes 100 sensor readings to an MQTT broker through Culvert.
#   examples/demo/demo.sh [BUILD_DIR]          (root; usually through `sudo make demo`)
#
# Four network namespaces on this machine, nothing else is touched:
#
#   device -- NAT router (masquerade) -- gateway -- application (mosquitto)
#   10.77.1.2            10.77.2.1     10.77.2.2     10.77.3.2
#
# The device's and the gateway's kernels need no ESP.  Everything is taken down at the end,
# also after Ctrl-C.
# SPDX-License-Identifier: Apache-2.0
set -u

HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "${1:-$HERE/../../build}" && pwd) || exit 1
READINGS=$HERE/../readings.csv
COUNT=100
P=cvdemo$$
RUN=$(mktemp -d "${TMPDIR:-/tmp}/culvert-demo.XXXXXX")
PIDS=()
NAMESPACES=()

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
step() { printf '  %s\n' "$*"; }
fail() {
    printf '\nerror: %s\n' "$*" >&2
    for log in "$RUN"/*.log; do
        [ -s "$log" ] && { echo "--- $(basename "$log")"; tail -n 15 "$log"; } >&2
    done
    exit 1
}

cleanup() {
    local status=$? pid ns i
    trap - EXIT INT TERM HUP
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do kill -TERM "$pid" 2>/dev/null; done
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do
        for i in $(seq 40); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        kill -KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    for ns in ${NAMESPACES[@]+"${NAMESPACES[@]}"}; do ip netns del "$ns" 2>/dev/null; done
    rm -rf "$RUN"
    exit "$status"
}
trap cleanup EXIT
trap 'echo; echo "interrupted: taking everything down"; exit 130' INT
trap 'exit 143' TERM HUP

[ "$(id -u)" = 0 ] || fail "network namespaces need root: sudo make demo"
[ -c /dev/net/tun ] || fail "this machine has no /dev/net/tun"
[ -x "$BUILD/culvertd" ] || fail "no culvertd in $BUILD: run make first"

inns() { local ns=$P-$1; shift; ip netns exec "$ns" "$@"; }
spawn() { # NAME NAMESPACE COMMAND...
    local name=$1 ns=$2
    shift 2
    ip netns exec "$P-$ns" "$@" >"$RUN/$name.log" 2>&1 </dev/null &
    PIDS+=($!)
}
wait_for() { # SECONDS WHAT COMMAND...
    local limit=$(($1 * 10)) what=$2 i
    shift 2
    for ((i = 0; i < limit; i++)); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
    fail "$what"
}
namespace() {
    ip netns add "$P-$1" || fail "cannot make network namespaces here"
    NAMESPACES+=("$P-$1")
    ip -n "$P-$1" link set lo up
    inns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 2>/dev/null
}
cable() { # NS_A IF_A ADDR_A NS_B IF_B ADDR_B
    ip link add "$2" netns "$P-$1" type veth peer name "$5" netns "$P-$4" || fail "cannot make a veth pair"
    ip -n "$P-$1" addr add "$3/24" dev "$2"
    ip -n "$P-$4" addr add "$6/24" dev "$5"
    ip -n "$P-$1" link set "$2" up
    ip -n "$P-$4" link set "$5" up
}

say "1. A small world: device - NAT - gateway - application"
for ns in device nat gateway app; do namespace $ns; done
cable device wan 10.77.1.2 nat in 10.77.1.1
cable nat out 10.77.2.1 gateway wan 10.77.2.2
cable gateway lan 10.77.3.1 app lan 10.77.3.2
ip -n "$P-device" route add default via 10.77.1.1
ip -n "$P-app" route add default via 10.77.3.1
inns nat nft -f - <<'N' || fail "nftables masquerade does not work here"
table ip nat {
    chain post { type nat hook postrouting priority 100; oifname "out" masquerade; }
}
N
printf 'listener 1883 10.77.3.2\nallow_anonymous true\n' >"$RUN/mosquitto.conf"
spawn mosquitto app "$(command -v mosquitto || echo /usr/sbin/mosquitto)" -c "$RUN/mosquitto.conf"
wait_for 10 "mosquitto does not start" inns app mosquitto_pub -h 10.77.3.2 -t ready -m 1
step "mosquitto listens on 10.77.3.2, which the device cannot reach without the tunnel"
if inns device timeout 2 mosquitto_pub -h 10.77.3.2 -t leak -m leak 2>/dev/null; then
    fail "the device reached the broker without a tunnel"
fi

say "2. culvertd on the gateway and on the device"
for side in gateway device; do
    spawn $side $side "$BUILD/culvertd" -c "$HERE/$side.conf" --run-dir "$RUN/$side" \
        --state-dir "$RUN/$side-state" --foreground
    wait_for 10 "culvertd does not start in the $side" test -S "$RUN/$side/vici.sock"
done
spawn tcpdump gateway tcpdump -i wan -U -w "$RUN/outside.pcap"
wait_for 10 "tcpdump does not start" grep -q 'listening on' "$RUN/tcpdump.log"
culvert() { local side=$1; shift; inns "$side" "$BUILD/culvert" --run-dir "$RUN/$side" "$@"; }
started=$(date +%s%N)
culvert device up platform >"$RUN/up.log" 2>&1 || fail "the tunnel does not come up"
step "tunnel up in $((($(date +%s%N) - started) / 1000000)) ms"

say "3. $COUNT readings of examples/readings.csv, device -> broker"
tail -n +2 "$READINGS" | head -n $COUNT >"$RUN/sent"
inns app mosquitto_sub -h 10.77.3.2 -t sensors/17 -q 1 -C $COUNT -W 40 -i app-demo >"$RUN/received" 2>"$RUN/sub.log" &
sub=$!
PIDS+=($sub)
subscribed() { [ -n "$(inns app ss -Htn state established 'dport = :1883' 2>/dev/null)" ]; }
wait_for 10 "mosquitto_sub does not subscribe" subscribed
sleep 0.3
# one reading at a time, as a sensor would
while read -r reading; do echo "$reading"; sleep 0.04; done <"$RUN/sent" |
    inns device mosquitto_pub -h 10.77.3.2 -t sensors/17 -q 1 -l 2>"$RUN/pub.log" &
pub=$!
PIDS+=($pub)
shown=-1
while kill -0 $sub 2>/dev/null; do
    got=$(wc -l <"$RUN/received")
    [ "$got" = "$shown" ] || { printf '\r  received %3d of %d' "$got" $COUNT; shown=$got; }
    sleep 0.1
done
wait $pub || fail "publishing failed"
wait $sub || fail "not all readings arrived: $(wc -l <"$RUN/received") of $COUNT"
printf '\r  received %3d of %d\n' "$(wc -l <"$RUN/received")" $COUNT
cmp -s "$RUN/sent" "$RUN/received" || fail "what arrived is not what was sent"
step "every reading arrived, in order, unchanged; the first one:"
step "  $(head -n 1 "$RUN/received")"

say "4. The tunnel, as the gateway sees it"
culvert gateway status -v | sed 's/^/  /' || fail "culvert status"

say "5. What somebody between NAT and gateway could see"
sleep 0.3
packets() { tcpdump -nr "$RUN/outside.pcap" "$@" 2>/dev/null | wc -l; }
esp=$(packets 'udp port 4500 and udp[4:2] > 9 and udp[8:4] != 0')
ike=$(packets '(udp port 500) or (udp port 4500 and udp[4:2] > 12 and udp[8:4] = 0)')
bare=$(packets 'host 10.77.3.2 or net 10.99.0.0/16')
cut -d, -f1,3- "$RUN/sent" >"$RUN/texts"
leaks=$(LC_ALL=C grep -acF -e sensor-17 -f "$RUN/texts" "$RUN/outside.pcap")
step "ESP-in-UDP packets captured           $esp"
step "IKE packets captured                  $ike"
step "packets with inner addresses          $bare"
step "lines of it with any reading's text   $leaks"
[ "$esp" -ge "$COUNT" ] || fail "fewer ESP packets than readings"
[ "$bare" -eq 0 ] && [ "$leaks" -eq 0 ] || fail "plaintext outside the tunnel"

say "Done: $COUNT readings crossed the NAT inside ESP; nothing of them was readable outside."
