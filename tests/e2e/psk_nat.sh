#!/bin/bash
# A device behind a NAT reaches the application through a PSK tunnel, unchanged programs at
# both ends; nothing of it is seen in the clear outside; the end takes everything back.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology nat
gateway_conf
CHILD_EXTRA="start_action = start" device_conf

daemon gw
daemon dev
wait_log dev "Child SA net established"
wait_log gw "Child SA net established"

reaches "$DEV" "$APP_IP" || fail "no ping from the device to the application"
ping_once "$APP" "$DEV_INNER_IP" || fail "no ping from the application to the device"
inns "$DEV" ping -c3 -i0.2 -W1 -q -s 1300 "$APP_IP" >/dev/null || fail "large packets"

# What the application sees comes from the inner address, so it went through the tunnel.
inns "$GW" ip route show table 220 | grep -q "$DEV_INNER_IP" || fail "no route in table 220"

stop dev || fail "culvertd (dev) ended with $?"
inns "$DEV" ip rule show | grep -q 220 && fail "the routing rule is still there"
inns "$DEV" ip link show 2>/dev/null | grep -q culvert && fail "the TUN device is still there"
wait_log gw "IKE SA with .* ended: peer deleted the SA"
inns "$GW" ip route show table 220 2>/dev/null | grep -q "$DEV_INNER_IP" &&
    fail "the gateway keeps the route of a tunnel that ended"
stop gw || fail "culvertd (gw) ended with $?"
pass
