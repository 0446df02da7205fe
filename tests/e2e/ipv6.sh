#!/bin/bash
# IPv6 outside, IPv4 and IPv6 inside one Child SA.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology direct
DEV6=fd77:2::1 GW6=fd77:2::2 GWLAN6=fd77:3::1 APP6=fd77:3::2 INNER6=fd77:10::2
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
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
sed -i "s/local_addrs = .*/local_addrs = $GW6/; s/local_ts = .*/local_ts = ${APP_NET/\//\\/}, fd77:3::\/64/;
    s/remote_ts = .*/remote_ts = $DEV_INNER_IP\/32, $INNER6\/128/" "$RUN/gw/swanctl.conf"
sed -i "s/remote_addrs = .*/remote_addrs = $GW6/; s/remote_ts = .*/remote_ts = ${APP_NET/\//\\/}, fd77:3::\/64/;
    s/local_ts = .*/local_ts = $DEV_INNER_IP\/32, $INNER6\/128/" "$RUN/dev/swanctl.conf"
daemon gw
daemon dev
wait_log dev "IKE SA established: $DEV6\[500\]"
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no IPv4 inside"
reaches "$DEV" "$APP6" || fail "no IPv6 inside"
inns "$DEV" ping -c2 -i0.2 -W1 -q -s 1300 "$APP6" >/dev/null || fail "large packets"
reaches "$APP" "$INNER6" || fail "no IPv6 back"
pass
