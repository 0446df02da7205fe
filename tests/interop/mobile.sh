#!/bin/bash
# MOBIKE with strongSwan's charon, both roles: what tests/e2e/mobile.sh does to a device, and who
# goes over to port 4500 without a NAT.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/lib-uplinks.sh"
. "$(dirname "$0")/lib-charon.sh"

# charon carries data inside UDP alone (kernel-libipsec), so that is said on both sides.
conf() { # SIDE
    write_conf "$1" psk
    # culvertd tells a peer of those of its addresses alone that local_addrs names.
    sed -i "s/mobike = no/mobike = yes/; s/local_addrs = $GW_IP/&, $GW6/" "$RUN/$1/swanctl.conf"
}
end_all() {
    stop "$1"; stop "charon-$2"
    rm -rf "$RUN/$1/run"
    ip -n "$P-$2" link del ipsec0 2>/dev/null
    out_of_nat
    ip -n "$DEV" addr flush dev upa
    ip -n "$DEV" addr add "$UP_A/24" dev upa
    ip -n "$DEV" route add default via "$UP_A_ROUTER"
}

uplinks
conf dev
conf gw

say "culvertd moves, charon follows"
charon gw
daemon dev
swanctl dev --initiate --child c >>"$RUN/swanctl.out" 2>&1 || fail "culvertd cannot initiate: $(tail -n 5 "$RUN/swanctl.out")"
charon_mtu gw
reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
charonctl gw --list-sas | grep -q "\[4500\]" || fail "not on port 4500: $(charonctl gw --list-sas)"
moves "culvertd, charon:"
[ "$(charonctl gw --list-sas | grep -c ESTABLISHED)" = 1 ] || fail "not one IKE SA: $(charonctl gw --list-sas)"
end_all dev gw

say "charon moves, culvertd follows"
daemon gw
charon dev
charonctl dev --initiate --child c --timeout 10 >>"$RUN/charonctl.out" 2>&1 || fail "charon cannot initiate: $(tail -n 5 "$RUN/charonctl.out")"
charon_mtu dev
reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
swanctl gw --list-sas | grep -q "\[4500\]" || fail "not on port 4500: $(swanctl gw --list-sas)"
moves "charon, culvertd:"
[ "$(grep -c 'IKE SA established' "$RUN/gw.log")" = 1 ] || fail "the gateway has seen more than one IKE SA"
end_all gw dev
pass
