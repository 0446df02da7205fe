#!/bin/bash
# remote_ts = 0.0.0.0/0: everything of the device goes through the tunnel, the tunnel's own
# packets do not, also after a rekey.  A strict rp_filter is told to the operator.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology direct
CHILD_EXTRA= gateway_conf
sed -i 's#local_ts = .*#local_ts = 0.0.0.0/0#' "$RUN/gw/swanctl.conf"
CHILD_EXTRA="start_action = start" device_conf
sed -i 's#remote_ts = .*#remote_ts = 0.0.0.0/0#' "$RUN/dev/swanctl.conf"
inns "$DEV" sysctl -qw net.ipv4.conf.wan.rp_filter=1
daemon gw
daemon dev
wait_log dev "Child SA net established"
wait_log dev "set net.ipv4.conf.wan.rp_filter=2"
inns "$DEV" sysctl -qw net.ipv4.conf.wan.rp_filter=2
reaches "$DEV" "$APP_IP" || fail "no ping"
reaches "$DEV" "$GW_IP" "$DEV_INNER_IP" || fail "no ping to the gateway's outer address"
inns "$DEV" ip route get 198.51.100.1 | grep -q "dev culvert0 .*src $DEV_INNER_IP" ||
    fail "$(inns "$DEV" ip route get 198.51.100.1)"
inns "$DEV" ip route get "$GW_IP" mark 0xdc | grep -q "dev wan" || fail "the tunnel loops"
swanctl dev --rekey --ike home >/dev/null
swanctl dev --rekey --child net >/dev/null
wait_log dev "Child SA net rekeyed"
reaches "$DEV" "$APP_IP" || fail "no ping after rekeys"
[ "$(inns "$DEV" ip route show table 220 | wc -l)" -eq 1 ] || fail "$(inns "$DEV" ip route show table 220)"
pass
