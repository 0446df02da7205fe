#!/bin/bash
# A link with an MTU of 1280 on the way.  Its router says so: senders inside are told, and TCP
# goes on.  Then the router is silent, a black hole: with copy_df = no everything still
# passes, in fragments outside.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v curl >/dev/null || skip "no curl"

# The NAT's namespace is a router here.
nat_rules() { :; }
topology nat
ip -n "$GW" route add 10.77.1.0/24 via "$NAT_OUT_IP"
for ns in "$GW" "$NAT"; do
    ip -n "$ns" link set "$([ "$ns" = "$GW" ] && echo wan || echo out)" mtu 1280
done
mkdir -p "$RUN/www"
head -c 3000000 /dev/urandom >"$RUN/www/data"
spawn www "$DEV" python3 -m http.server -d "$RUN/www" --bind "$DEV_INNER_IP" 8008

transfers() { # the large packets go from the device, towards the narrow link
    until_true 5 inns "$APP" curl -sS -m 2 -o /dev/null -I "http://$DEV_INNER_IP:8008/data"
    inns "$APP" curl -sS -m 20 -o "$RUN/got" "http://$DEV_INNER_IP:8008/data" || return 1
    cmp -s "$RUN/got" "$RUN/www/data"
}

for encap in no yes; do
    CONN_EXTRA="encap = $encap" gateway_conf
    CONN_EXTRA="encap = $encap" CHILD_EXTRA="start_action = start" device_conf
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    reaches "$DEV" "$APP_IP" || fail "no ping"
    inns "$DEV" ping -M "do" -s 1350 -c6 -i0.3 -W1 "$APP_IP" >"$RUN/ping.log" 2>&1 &&
        fail "packets with DF that do not fit came through"
    # each of router, kernel and engine learns from one packet, then the sender is told
    grep -qiE "frag needed|message too long" "$RUN/ping.log" || fail "nobody told the sender"
    transfers || fail "TCP does not get through (encap = $encap)"
    stop dev || fail "culvertd (dev) ended with $?"
    stop gw || fail "culvertd (gw) ended with $?"
    inns "$DEV" ip route flush cache
done

inns "$NAT" nft -f - <<N
table ip hole {
    chain quiet { type filter hook output priority 0; icmp type destination-unreachable drop; }
}
N
CHILD_EXTRA="copy_df = no" gateway_conf
CHILD_EXTRA="start_action = start
                copy_df = no" device_conf
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping through the black hole"
inns "$DEV" ping -M "do" -s 1350 -c2 -i0.3 -W1 -q "$APP_IP" >/dev/null || fail "large packets"
transfers || fail "TCP is lost in the black hole"
pass
