#!/bin/bash
# The real swanctl drives both daemons: load, initiate, list, rekey, terminate.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
[ -n "$SWANCTL" ] || skip "no swanctl"

topology nat
gateway_conf
device_conf
for side in dev gw; do
    mkdir -p "$RUN/$side/load"
    mv "$RUN/$side/swanctl.conf" "$RUN/$side/load/swanctl.conf"
    : >"$RUN/$side/swanctl.conf"
done
daemon gw
daemon dev

for side in gw dev; do
    export SWANCTL_DIR=$RUN/$side/load
    swanctl "$side" --load-all >"$RUN/load-$side.out" || fail "load-all: $(cat "$RUN/load-$side.out")"
    grep -q "loaded ike secret 'ike-1'" "$RUN/load-$side.out" || fail "secret not loaded"
    grep -q "successfully loaded 1 connections" "$RUN/load-$side.out" || fail "connection not loaded"
done
swanctl dev --initiate --child net >"$RUN/initiate.out" || fail "initiate: $(cat "$RUN/initiate.out")"
grep -q "initiate completed successfully" "$RUN/initiate.out" || fail "initiate said otherwise"
reaches "$DEV" "$APP_IP" || fail "no ping"

list() { swanctl "$1" --list-sas; }
list dev >"$RUN/list.out"
grep -q "home: #1, ESTABLISHED, IKEv2" "$RUN/list.out" || fail "list-sas: $(cat "$RUN/list.out")"
grep -q "net: #.*INSTALLED, TUNNEL-in-UDP, ESP:AES_GCM_16-128" "$RUN/list.out" ||
    fail "list-sas: $(cat "$RUN/list.out")"
list gw | grep -q "remote 'dev.example' @ $NAT_OUT_IP" || fail "gateway: $(list gw)"

swanctl dev --rekey --child net >/dev/null || fail "rekey child"
wait_log gw "Child SA net rekeyed"
reaches "$DEV" "$APP_IP" || fail "no ping after the child's rekey"
swanctl dev --rekey --ike home >/dev/null || fail "rekey ike"
wait_log gw "IKE SA rekeyed"
reaches "$DEV" "$APP_IP" || fail "no ping after the IKE rekey"

swanctl dev --terminate --ike home >"$RUN/terminate.out" || fail "terminate: $(cat "$RUN/terminate.out")"
[ -z "$(list dev)" ] || fail "still listed: $(list dev)"
inns "$DEV" ip route show table 220 2>/dev/null | grep -q "$APP_NET" && fail "the route is still there"
ping_once "$DEV" "$APP_IP" && fail "traffic passes without a tunnel"
pass
