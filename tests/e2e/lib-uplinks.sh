# A device with two uplinks, one behind a NAT, and what happens to a ping while it changes between
# them.  Sourced after lib.sh.
# SPDX-License-Identifier: Apache-2.0
#
#   dev a (10.77.1.2, fd77:1::2) ---- (.1) net (10.77.2.1) ---- (10.77.2.2, fd77:2::2) gw -- app
#   dev b (10.77.5.2) ---- NAT ---- (.1) net
#
# Both links are plugged in; which of them is up, and has an address, a test decides.
UP_A=10.77.1.2 UP_A_OTHER=10.77.1.7 UP_A_ROUTER=10.77.1.1 UP_A6=fd77:1::2 UP_A6_ROUTER=fd77:1::1
UP_B=10.77.5.2 UP_B_ROUTER=10.77.5.1
PING_S=0.02

uplinks() {
    local ns
    for ns in "$DEV" "$NAT" "$GW" "$APP"; do namespace "$ns"; done
    for ns in "$DEV" "$NAT" "$GW"; do
        inns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0 \
            net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.all.forwarding=1 || skip "no IPv6"
    done
    veth "$DEV" upa "$UP_A" "$NAT" upa "$UP_A_ROUTER"
    veth "$DEV" upb "$UP_B" "$NAT" upb "$UP_B_ROUTER"
    veth "$NAT" out "$NAT_OUT_IP" "$GW" wan "$GW_IP"
    veth "$GW" lan "$GW_LAN_IP" "$APP" lan "$APP_IP"
    ip -n "$NAT" addr add "$UP_A6_ROUTER/64" dev upa nodad || skip "no IPv6"
    ip -n "$NAT" addr add fd77:2::1/64 dev out nodad
    ip -n "$GW" addr add "$GW6/64" dev wan nodad
    ip -n "$GW" route add default via "$NAT_OUT_IP"
    ip -n "$GW" -6 route add default via fd77:2::1
    ip -n "$APP" route add default via "$GW_LAN_IP"
    inns "$NAT" nft -f - <<N || skip "no nftables NAT"
table ip cgn {
    chain outward { type nat hook postrouting priority 100;
        ip saddr ${UP_B%.*}.0/24 oifname "out" masquerade
    }
}
N
    inns "$NAT" sysctl -qw net.ipv6.conf.upa.forwarding=1
    ip -n "$DEV" addr flush dev upb
    ip -n "$DEV" route add default via "$UP_A_ROUTER"
    mkdir -p "$RUN/dev" "$RUN/gw"
}

# ---- what happens to the device -------------------------------------------------------

exchange_address() { # on one link: a lease that was not renewed
    ip -n "$DEV" addr flush dev upa
    ip -n "$DEV" addr add "$UP_A_OTHER/24" dev upa
    ip -n "$DEV" route add default via "$UP_A_ROUTER"
}
to_nat() { # uplink a is pulled, b is there
    ip -n "$DEV" link set upa down
    ip -n "$DEV" addr add "$UP_B/24" dev upb
    ip -n "$DEV" route add default via "$UP_B_ROUTER"
}
out_of_nat() {
    ip -n "$DEV" addr flush dev upb
    ip -n "$DEV" link set upa up
    ip -n "$DEV" addr flush dev upa
    ip -n "$DEV" addr add "$UP_A/24" dev upa
    ip -n "$DEV" route add default via "$UP_A_ROUTER"
}
to_v6() {
    ip -n "$DEV" addr flush dev upa
    ip -n "$DEV" addr add "$UP_A6/64" dev upa nodad
    ip -n "$DEV" -6 route add default via "$UP_A6_ROUTER"
}
to_v4() {
    ip -n "$DEV" addr flush dev upa
    ip -n "$DEV" addr add "$UP_A/24" dev upa
    ip -n "$DEV" route add default via "$UP_A_ROUTER"
}

# ---- and to its ping ------------------------------------------------------------------

# gap FILE: the longest time between two answers in what ping -D printed, in ms.
gap() {
    sed -nE 's/^\[([0-9.]+)\] .*icmp_seq.*time=.*/\1/p' "$1" |
        awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { printf "%d\n", most * 1000 }'
}
# without_a_break NAME COMMAND: half a second of pings, the command, and one and a half after it;
# no break of a second, and answers until the end.
without_a_break() {
    local name=$1 log ms lost
    log=$RUN/${1// /-}.ping
    inns "$DEV" ping -D -i "$PING_S" -w 2 "$APP_IP" >"$log" 2>&1 &
    local ping=$!
    sleep 0.5
    $2
    wait "$ping"
    ms=$(gap "$log")
    lost=$(sed -nE 's/^([0-9]+) packets transmitted, ([0-9]+) received.*/\1 \2/p' "$log" | awk '{ print $1 - $2 }')
    say "  $name: a break of $ms ms, $lost pings of one each 20 ms lost"
    [ "$ms" -lt 1000 ] || fail "$name: a break of $ms ms"
    reaches "$DEV" "$APP_IP" || fail "$name: no ping any more"
    [ "${lost:-9999}" -lt 50 ] || fail "$name: $lost pings lost"
}
# moves: each of them in turn.
moves() {
    without_a_break "$1 another address" exchange_address
    without_a_break "$1 uplink a to b behind a NAT" to_nat
    without_a_break "$1 uplink b to a out of the NAT" out_of_nat
    without_a_break "$1 IPv4 to IPv6" to_v6
    without_a_break "$1 IPv6 to IPv4" to_v4
}
