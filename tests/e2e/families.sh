#!/bin/bash
# IPv4 and IPv6 inside one Child SA, over IPv4 and over IPv6: with ESP, with ESP in UDP, with
# AH.  Ping, 10 MB by TCP each way, UDP datagrams of every size.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v curl >/dev/null || skip "no curl"

topology direct
GWLAN6=fd77:3::1 APP6=fd77:3::2 INNER6=fd77:10::2
for ns in "$DEV" "$GW" "$APP"; do
    inns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0 \
        net.ipv6.conf.all.forwarding=1 || skip "no IPv6"
done
ip -n "$DEV" addr add "$DEV6/64" dev wan nodad || skip "no IPv6"
ip -n "$DEV" addr add "$INNER6/128" dev lo nodad
ip -n "$GW" addr add "$GW6/64" dev wan nodad
ip -n "$GW" addr add "$GWLAN6/64" dev lan nodad
ip -n "$APP" addr add "$APP6/64" dev lan nodad
ip -n "$APP" -6 route add default via "$GWLAN6"
make_data dev
make_data app

through() { # NAME OUTER_GW OUTER_DEV
    gateway_conf
    CHILD_EXTRA="start_action = start
                ${CHILD_EXTRA:-}" device_conf
    sed -i "s/local_addrs = .*/local_addrs = $2/; s/local_ts = .*/local_ts = ${APP_NET/\//\\/}, fd77:3::\/64/;
        s/remote_ts = .*/remote_ts = $DEV_INNER_IP\/32, $INNER6\/128/" "$RUN/gw/swanctl.conf"
    sed -i "s/remote_addrs = .*/remote_addrs = $2/; s/remote_ts = .*/remote_ts = ${APP_NET/\//\\/}, fd77:3::\/64/;
        s/local_ts = .*/local_ts = $DEV_INNER_IP\/32, $INNER6\/128/" "$RUN/dev/swanctl.conf"
    daemon gw
    daemon dev
    wait_log dev "IKE SA established: $3\["
    wait_log dev "Child SA net established"
    reaches "$DEV" "$APP_IP" || fail "$1: no IPv4 inside"
    reaches "$DEV" "$APP6" || fail "$1: no IPv6 inside"
    reaches "$APP" "$INNER6" || fail "$1: no IPv6 back"
    carries_data "$1: IPv4 inside" "$APP" "$APP_IP" app "$DEV" "$DEV_INNER_IP" dev
    carries_data "$1: IPv6 inside" "$APP" "$APP6" app "$DEV" "$INNER6" dev
    stop dev || fail "$1: culvertd (dev) ended with $?"
    stop gw || fail "$1: culvertd (gw) ended with $?"
    say "$TEST: $1 ok"
}

for outer in 4 6; do
    case $outer in 4) gw=$GW_IP dev=$DEV_IP ;; 6) gw=$GW6 dev=$DEV6 ;; esac
    through "ESP over IPv$outer" "$gw" "$dev"
    CONN_EXTRA="encap = yes" through "ESP in UDP over IPv$outer" "$gw" "$dev"
    CHILD_EXTRA="ah_proposals = sha256" through "AH over IPv$outer" "$gw" "$dev"
done
pass
