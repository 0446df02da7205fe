#!/bin/bash
# Both ends drop whatever they do not know, and updown = let-in lets the tunnel's traffic pass
# while the child is up: to the device itself, and forwarded by the gateway.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v nft >/dev/null || skip "no nft"

topology direct
closed() { # NAMESPACE: as /etc/nftables.conf of a careful administrator
    inns "$1" nft -f - <<N
table inet filter {
    chain input { type filter hook input priority 0; policy drop;
        iifname "wan" udp dport { 500, 4500 } accept
        iifname "wan" meta l4proto esp accept
    }
    chain forward { type filter hook forward priority 0; policy drop; }
}
N
}
ours() { inns "$1" nft list table inet filter | grep -c "culvert net"; }
closed "$DEV"
closed "$GW"
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
daemon gw
daemon dev
wait_log dev "Child SA net established"
ping_once "$DEV" "$APP_IP" "$DEV_INNER_IP" && fail "the test closes nothing"
stop dev || fail "culvertd (dev) ended with $?"
stop gw || fail "culvertd (gw) ended with $?"

script="updown = $ROOT/packaging/updown/let-in"
CHILD_EXTRA=$script gateway_conf
CHILD_EXTRA="start_action = start
                $script" device_conf
daemon gw
daemon dev
reaches "$DEV" "$APP_IP" "$DEV_INNER_IP" || fail "no ping through the tunnel: $(inns "$GW" nft list ruleset)"
reaches "$APP" "$DEV_INNER_IP" || fail "no ping to the device"
[ "$(ours "$DEV")" -eq 3 ] || fail "$(inns "$DEV" nft list table inet filter)"
swanctl dev --rekey --child net >/dev/null || fail "rekey"
[ "$(ours "$DEV")" -eq 3 ] || fail "after a rekey: $(inns "$DEV" nft list table inet filter)"
stop dev || fail "culvertd (dev) ended with $?"
[ "$(ours "$DEV")" -eq 0 ] || fail "still open: $(inns "$DEV" nft list table inet filter)"
gone() { [ "$(ours "$1")" -eq 0 ]; }
until_true 5 gone "$GW" || fail "the gateway is still open"
pass
