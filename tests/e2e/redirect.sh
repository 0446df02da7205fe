#!/bin/bash
# A device whose gateway sends it to another one: on a live SA by swanctl --redirect, by address
# and by name, and with the first answer as the connection says (RFC 5685).  The virtual address
# comes from the new gateway, and the old SA ends.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

GW2=$P-gw2 GW2_IP=10.77.6.2 INNER=10.77.3.1
conf() { # SIDE CONN_LINES CHILD_LINES [POOL_NET]
    local other=gw
    [ "$1" = dev ] || other=dev
    cat >"$RUN/$1/swanctl.conf" <<C
connections {
    t {
        $2
        local {
            auth = psk
            id = ${1%2}.example
        }
        remote {
            auth = psk
            id = $other.example
        }
        children {
            net {
                $3
            }
        }
    }
}
$(secrets)
pools {
    ${4:+fleet {
        addrs = $4
    \}}
}
C
}

topology hosts
namespace "$GW2"
veth "$DEV" wan2 10.77.6.1 "$GW2" wan "$GW2_IP"
mkdir -p "$RUN/gw2"
ip -n "$GW" addr add "$INNER/32" dev lo
ip -n "$GW2" addr add "$INNER/32" dev lo
mkdir -p "/etc/netns/$DEV"
AT_EXIT="rm -rf /etc/netns/$DEV"
echo "$GW_IP gw1.example" >"/etc/netns/$DEV/hosts"
conf gw "pools = fleet" "local_ts = $INNER/32" 10.99.1.0/24
conf gw2 "pools = fleet" "local_ts = $INNER/32" 10.99.2.0/24
conf dev "remote_addrs = $GW_IP
        vips = 0.0.0.0" "remote_ts = $INNER/32
                start_action = start"
daemon gw
daemon gw2
daemon dev
wait_log dev "peer assigned 10.99.1"
reaches "$DEV" "$INNER" || fail "no ping through the tunnel"

swanctl gw --redirect --peer-id dev.example --gateway "$GW2_IP" >/dev/null || fail "swanctl --redirect"
wait_log dev "the gateway sends us to $GW2_IP"
wait_log dev "peer assigned 10.99.2"
wait_log gw "IKE SA with .* ended"
reaches "$DEV" "$INNER" || fail "no ping through the tunnel to the second gateway"

swanctl gw2 --redirect --ike t --gateway gw1.example >/dev/null || fail "swanctl --redirect to a name"
wait_log dev "the gateway sends us to gw1.example"
wait_log gw2 "IKE SA with .* ended"
reaches "$DEV" "$INNER" || fail "no ping through the tunnel to the first gateway"
swanctl gw --redirect --peer-ip 192.0.2.0/24 --gateway "$GW2_IP" >/dev/null 2>&1 && fail "nobody is there, and no error"
stop dev || fail "culvertd (dev) ended with $?"

stop gw || fail "culvertd (gw) ended with $?"
conf gw "pools = fleet
        redirect = $GW2_IP" "local_ts = $INNER/32" 10.99.1.0/24
daemon gw
daemon dev
wait_log dev "peer assigned 10.99.2"
reaches "$DEV" "$INNER" || fail "no ping: the first answer"
grep -q "IKE SA established" "$RUN/gw.log" && fail "the first gateway has an IKE SA"
pass
