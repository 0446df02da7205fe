#!/bin/bash
# Without a NAT between, ESP travels as IP protocol 50, DSCP and ECN outside as inside.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology direct
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
inns "$GW" nft -f - <<N
table ip watch {
    chain seen { type filter hook prerouting priority 0;
        iifname "wan" ip protocol esp counter
        iifname "wan" udp dport 4500 udp length > 9 @th,64,32 != 0 counter comment "encapsulated"
        iifname "wan" ip protocol esp ip dscp ef counter comment "marked"
    }
}
N
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping"
inns "$DEV" ping -c2 -i0.2 -W1 -q -Q 0xb8 "$APP_IP" >/dev/null || fail "no ping with DSCP"
seen=$(inns "$GW" nft list table ip watch)
grep -q 'ip protocol esp counter packets [1-9]' <<<"$seen" || fail "no ESP seen: $seen"
grep 'encapsulated' <<<"$seen" | grep -q 'packets 0' || fail "ESP in UDP: $seen"
grep 'marked' <<<"$seen" | grep -q 'packets 2' || fail "DSCP is lost: $seen"
logged dev "in UDP" && fail "logged as UDP"
pass
