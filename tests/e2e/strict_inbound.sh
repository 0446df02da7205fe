#!/bin/bash
# A packet in the clear that policy protects, where the daemon itself lets it pass as a kernel
# without its means makes it do: with the strict-inbound script it is dropped and
# counted while the child is up; what comes through the tunnel and all else passes.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v nft >/dev/null || skip "no nft"

topology direct
CHILD_EXTRA="updown = $ROOT/packaging/updown/strict-inbound" gateway_conf
echo 'culvert { cleartext = pass }' >>"$RUN/gw/swanctl.conf"
CHILD_EXTRA="start_action = start" device_conf
ip -n "$APP" route add "$DEV_INNER_IP/32" via "$GW_LAN_IP"
ip -n "$DEV" route add "$APP_NET" via "$GW_IP"
arrived() { # echo requests that the application's host has got
    inns "$APP" awk '/^IcmpMsg:/ {
            for (i = 2; i <= NF; i++)
                if ($i == "InType8") at = i
                else if (i == at) n = $i
        }
        END { print n + 0 }' /proc/net/snmp
}
in_clear() { inns "$DEV" ping -c3 -i0.1 -W1 -q -m 220 -I "$DEV_INNER_IP" "$APP_IP" >/dev/null 2>&1; }

before=$(arrived)
in_clear
[ "$(arrived)" -eq $((before + 3)) ] || fail "the test cannot send in the clear"
daemon gw
daemon dev
wait_log dev "Child SA net established"
until_true 5 inns "$GW" nft list table inet culvert_strict || fail "no table"
reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
before=$(arrived)
in_clear
[ "$(arrived)" -eq "$before" ] || fail "a packet in the clear passed"
inns "$GW" nft list table inet culvert_strict | grep -q 'packets 3 .*drop comment "net ' ||
    fail "not counted: $(inns "$GW" nft list table inet culvert_strict)"
ping_once "$DEV" "$GW_IP" || fail "other traffic is dropped, too"
reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
stop dev || fail "culvertd (dev) ended with $?"
wait_log gw "ended: peer deleted the SA"
gone() { ! inns "$GW" nft list table inet culvert_strict | grep -q drop; }
until_true 5 gone || fail "the rule stays: $(inns "$GW" nft list table inet culvert_strict)"
pass
