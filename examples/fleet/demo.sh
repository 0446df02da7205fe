#!/bin/bash
# The five minutes of docs/fleet.md: a gateway, a line of text, a device behind two NATs, and what the
# one tunnel with the one credential gives it.
#   examples/fleet/demo.sh [BUILD_DIR]          (root; usually through `sudo make demo-fleet`)
#
# Five network namespaces on this machine, nothing else is touched:
#
#   device -- home router (NAT) -- carrier (NAT) -- gateway -- services (MQTT, DNS, firmware)
#   10.77.0.2         10.77.1.1        10.77.2.1    10.77.2.2  10.77.3.2, DNS 10.77.3.53
#
# Everything is taken down at the end, also after Ctrl-C.
# SPDX-License-Identifier: Apache-2.0
set -u

HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "${1:-$HERE/../../build}" && pwd) || exit 1
P=cvfleet$$
RUN=$(mktemp -d "${TMPDIR:-/tmp}/culvert-fleet.XXXXXX")
PIDS=()
NAMESPACES=()

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
step() { printf '  %s\n' "$*"; }
show() { printf '  \033[2m$ %s\033[0m\n' "$*"; }
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
    [ -s "$RUN/device/run/culvert/culvertd.pid" ] && PIDS+=("$(cat "$RUN/device/run/culvert/culvertd.pid")")
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

[ "$(id -u)" = 0 ] || fail "network namespaces need root: sudo make demo-fleet"
[ -c /dev/net/tun ] || fail "this machine has no /dev/net/tun"
for program in culvert culvertd culvert-fleetd; do
    [ -x "$BUILD/$program" ] || fail "no $program in $BUILD: run make first"
done

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
nat() {
    inns "$1" nft -f - <<'N' || fail "nftables masquerade does not work here"
table ip nat {
    chain post { type nat hook postrouting priority 100; oifname "out" masquerade; }
    chain through { type filter hook forward priority 0; policy drop; iifname "in" accept; ct state established,related accept; }
}
N
}
services() { inns "$1" python3 "$HERE/services.py" "${@:2}"; }
clock() { date +%s%N; }
since() { echo "$((($(clock) - $1) / 1000000)) ms"; }

say "0. A small world: device - NAT - NAT - gateway - services"
for ns in device home carrier gateway services; do namespace $ns; done
cable device wan 10.77.0.2 home in 10.77.0.1
cable home out 10.77.1.1 carrier in 10.77.1.254
cable carrier out 10.77.2.1 gateway wan 10.77.2.2
cable gateway lan 10.77.3.1 services lan 10.77.3.2
ip -n "$P-services" addr add 10.77.3.53/24 dev lan
ip -n "$P-device" route add default via 10.77.0.1
ip -n "$P-home" route add default via 10.77.1.254
ip -n "$P-services" route add default via 10.77.3.1
nat home
nat carrier
printf 'listener 1883 10.77.3.2\nallow_anonymous true\n' >"$RUN/mosquitto.conf"
spawn mosquitto services "$(command -v mosquitto || echo /usr/sbin/mosquitto)" -c "$RUN/mosquitto.conf"
spawn services services python3 "$HERE/services.py" serve 10.77.3.2 10.77.3.53
wait_for 10 "mosquitto does not start" inns services mosquitto_pub -h 10.77.3.2 -t ready -m 1
wait_for 10 "the DNS and firmware server does not start" grep -q serving "$RUN/services.log"
step "MQTT broker, DNS and firmware server are behind the gateway; nothing outside reaches them"
inns device timeout 2 mosquitto_pub -h 10.77.3.2 -t leak -m leak 2>/dev/null && fail "the broker can be reached without a tunnel"

say "1. The gateway"
begun=$(clock)
set -- init --name gw.example --address 10.77.2.2 --pool 10.99.0.0/16 --service 10.77.3.0/24 --dns 10.77.3.53
show "culvert $*"
inns gateway "$BUILD/culvert" "$@" --root "$RUN/gateway" >"$RUN/init.log" || fail "culvert init"
head -n 1 "$RUN/init.log" | sed 's/^/  /'
spawn culvertd gateway $(sed -n 's/^  \(.*culvertd .*\)/\1/p' "$RUN/init.log")
spawn fleetd gateway $(sed -n 's/^  \(.*culvert-fleetd .*\)/\1/p' "$RUN/init.log")
wait_for 10 "culvertd does not start" grep -q ready "$RUN/culvertd.log"
wait_for 10 "culvert-fleetd does not start" grep -q ready "$RUN/fleetd.log"
step "culvertd carries packets, culvert-fleetd is the fleet's face"

say "2. A bundle for the device"
show "culvert device add sensor-17 --profile sensor"
bundle=$(inns gateway "$BUILD/culvert" device add sensor-17 --profile sensor --root "$RUN/gateway") || fail "device add"
step "$bundle"

say "3. The device"
show "culvert join BUNDLE"
joined=$(clock)
inns device "$BUILD/culvert" join "$bundle" --root "$RUN/device" >"$RUN/join.log" 2>&1 || fail "culvert join"
inns device ping -c1 -W2 -q 10.77.3.2 >/dev/null || fail "no ping through the tunnel"
step "$(tail -n 1 "$RUN/join.log")"
step "from join to the first ping: $(since "$joined"); from init: $(since "$begun")"
inner=$(sed -n 's/.*with address \([0-9.]*\).*/\1/p' "$RUN/join.log")

say "4. One tunnel, one credential: broker, DNS, firmware"
step "firmware.fleet.example is $(services device resolve 10.77.3.53 firmware.fleet.example)" || fail "DNS"
step "firmware.bin: $(services device fetch 10.77.3.2 /firmware.bin)" || fail "firmware server"
inns device timeout 20 mosquitto_sub -h 10.77.3.2 -q 1 -C 1 -t commands/sensor-17 >"$RUN/command" 2>"$RUN/sub.log" &
sub=$!
PIDS+=($sub)
wait_for 5 "the device does not subscribe" sh -c "ip netns exec $P-services ss -Htn state established 'sport = :1883' | grep -q $inner"
sleep 0.3
inns services mosquitto_pub -h 10.77.3.2 -q 1 -t commands/sensor-17 -m "report every 10 s" || fail "mosquitto_pub"
wait $sub || fail "the device has not heard of the command"
step "over MQTT the platform says: $(cat "$RUN/command")"

say "5. The platform calls, the world does not"
spawn listener device python3 "$HERE/services.py" command "$inner"
wait_for 5 "the device does not listen" grep -q waiting "$RUN/listener.log"
services services send "$inner" "open valve 3" || fail "the platform does not reach the device"
wait_for 5 "the command got lost" grep -q 'open valve 3' "$RUN/listener.log"
step "a connection from the platform to $inner, behind two NATs: $(tail -n 1 "$RUN/listener.log")"
open=$(services home scan 10.77.0.2)
step "open TCP ports that its own home router finds on the device: $open of 65535"
[ "$open" = 0 ] || fail "the device has an open port"

say "6. Alive"
show "culvert status"
inns gateway "$BUILD/culvert" --run-dir "$RUN/gateway/run/culvert" status --peer sensor-17 | sed 's/^/  /' || fail "culvert status"

say "Done: one command on the gateway, one line of text, one command on the device."
