#!/bin/bash
# start_action = trap: nothing is sent until traffic wants the tunnel, then it comes up, and
# that very traffic goes through it.  trap|start: it comes up at once, and again when traffic
# wants it.
# Between the two, nothing of that traffic leaves in the clear.  With vips the first packet has a
# source that the tunnel does not take: it is lost, not sent, and the next one has the right one.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology direct
gateway_conf
CHILD_EXTRA="start_action = trap" device_conf
inns "$GW" nft -f - <<N
table ip watch {
    chain clear { type filter hook prerouting priority 0;
        iifname "wan" ip daddr $APP_NET counter
    }
}
N
daemon gw
daemon dev
inns "$DEV" ip route show table 220 | grep -q "$APP_NET" || fail "no route for the trap"
sleep 1
logged dev "established" && fail "it came up without traffic"
inns "$DEV" ping -c1 -W3 -q -I "$DEV_INNER_IP" "$APP_IP" >/dev/null || fail "the first packet is lost"
wait_log dev "traffic wants the tunnel"
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping"
inns "$GW" nft list table ip watch | grep -q "packets 0" || fail "traffic was sent in the clear"

swanctl dev --terminate --ike home >/dev/null || fail "terminate"
inns "$DEV" ip route show table 220 | grep -q "$APP_NET" || fail "the trap's route is gone"
inns "$DEV" ping -c1 -W3 -q "$APP_IP" >/dev/null || fail "the trap did not bring the tunnel back"

stop dev || fail "culvertd (dev) ended with $?"
CHILD_EXTRA="start_action = trap|start" device_conf
daemon dev
wait_log dev "Child SA net established"
logged dev "traffic wants the tunnel" && fail "it waited for traffic"
swanctl dev --list-pols --trap | grep -q "home/net" || fail "no trap"
swanctl dev --terminate --ike home >/dev/null || fail "terminate"
inns "$DEV" ping -c1 -W3 -q "$APP_IP" >/dev/null || fail "nothing brought it back"
wait_log dev "traffic wants the tunnel"

stop dev || fail "culvertd (dev) ended with $?"
stop gw || fail "culvertd (gw) ended with $?"
CONN_EXTRA="vips = 0.0.0.0" CHILD_EXTRA="start_action = trap" device_conf
CONN_EXTRA="pools = fleet" gateway_conf
sed -i "/local_ts = $DEV_INNER_IP/d" "$RUN/dev/swanctl.conf"
sed -i "/remote_ts = $DEV_INNER_IP/d" "$RUN/gw/swanctl.conf"
printf 'pools {\n    fleet {\n        addrs = 10.77.20.0/24\n    }\n}\n' >>"$RUN/gw/swanctl.conf"
daemon gw
daemon dev
inns "$DEV" ping -c1 -W1 -q "$APP_IP" >/dev/null && fail "a packet with another source went through"
wait_log dev "traffic wants the tunnel"
wait_log dev "Child SA net established"
inns "$DEV" ping -c1 -W3 -q "$APP_IP" >/dev/null || fail "the next packet is lost"
inns "$DEV" ip route get "$APP_IP" | grep -q "src 10.77.20.1" || fail "no virtual address as source"
inns "$GW" nft list table ip watch | grep -q "packets 0" || fail "traffic was sent in the clear"
pass
