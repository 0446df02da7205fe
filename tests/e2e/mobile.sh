#!/bin/bash
# A device that changes its address, its uplink, its family, and goes behind a NAT and out again,
# under a ping: no break is as long as a second, and the IKE SA and the virtual address stay.  A
# gateway that changes its address; and a device whose gateway does not speak MOBIKE.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-uplinks.sh"

conf() { # SIDE CONN_LINES POOL_LINES
    local other=gw ts=local_ts
    [ "$1" = gw ] && other=dev || ts=remote_ts
    cat >"$RUN/$1/swanctl.conf" <<C
connections {
    t {
        $2
        local {
            auth = psk
            id = $1.example
        }
        remote {
            auth = psk
            id = $other.example
        }
        children {
            net {
                $ts = $APP_NET
                $4
            }
        }
    }
}
$(secrets)
$3
C
}
POOL="pools {
    fleet {
        addrs = 10.99.0.0/24
    }
}"

uplinks
conf gw "pools = fleet" "$POOL" ""
conf dev "remote_addrs = $GW_IP
        vips = 0.0.0.0" "" "start_action = start"
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
moves Culvert:
[ "$(grep -c 'IKE SA established' "$RUN/gw.log")" = 1 ] || fail "the gateway has seen more than one IKE SA"
[ "$(grep -c 'peer assigned' "$RUN/dev.log")" = 1 ] || fail "the virtual address did not stay"

gateway_moves() {
    ip -n "$GW" -4 addr flush dev wan
    ip -n "$GW" addr add 10.77.2.9/24 dev wan
    ip -n "$GW" route add default via "$NAT_OUT_IP"
}
without_a_break "another address of the gateway" gateway_moves
wait_log dev "path changed: now .* to 10.77.2.9"
[ "$(grep -c 'IKE SA established' "$RUN/gw.log")" = 1 ] || fail "the gateway has seen more than one IKE SA"
stop dev && stop gw || fail "a daemon did not end well"

say "$TEST: without MOBIKE an attempt is made anew within a second"
ip -n "$GW" -4 addr flush dev wan
ip -n "$GW" addr add "$GW_IP/24" dev wan
ip -n "$GW" route add default via "$NAT_OUT_IP"
conf gw "pools = fleet
        mobike = no" "$POOL" ""
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
for move in exchange_address to_nat out_of_nat; do
    : >"$RUN/gw.log"
    before=$(date +%s%N)
    $move
    until_true 10 logged gw "IKE SA established" || fail "$move: no attempt anew"
    say "  $move: anew after $((($(date +%s%N) - before) / 1000000)) ms"
    [ $((($(date +%s%N) - before) / 1000000)) -lt 1500 ] || fail "$move: the attempt was late"
    reaches "$DEV" "$APP_IP" || fail "$move: no ping any more"
done
pass
