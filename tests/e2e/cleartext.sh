#!/bin/bash
# Packets in the clear that policy protects: dropped, counted on their Child SA, told in the log,
# by VICI and to the peer.  What has to come in the clear does: other addresses, neighbor
# discovery, ICMP about the tunnel's own packets.  Nothing stays behind when the daemon ends.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v nft >/dev/null || skip "no nft"
[ -x "$CULVERT" ] || skip "no culvert at $CULVERT"

MARK=220 # what our own sockets carry: no route into the tunnel

in_clear() { # NAMESPACE SOURCE TARGET: three echo requests
    inns "$1" ping -c3 -i0.1 -W1 -q -m $MARK -I "$2" "$3" >/dev/null 2>&1
}
arrived() { # echo requests that a namespace has got
    inns "$1" awk '/^IcmpMsg:/ {
            for (i = 2; i <= NF; i++)
                if ($i == "InType8") at = i
                else if (i == at) n = $i
        }
        /^Icmp6InEchos/ { n += $2 }
        END { print n + 0 }' /proc/net/snmp /proc/net/snmp6
}
passes() { # NAMESPACE THAT GETS THEM, then as in_clear
    local before
    before=$(arrived "$1")
    in_clear "${@:2}"
    [ "$(arrived "$1")" -eq $((before + 3)) ]
}
refused() {
    local before
    before=$(arrived "$1")
    in_clear "${@:2}"
    [ "$(arrived "$1")" -eq "$before" ]
}
counted() { # SIDE: cleartext drops of its only Child SA
    CULVERT_RUN_DIR=$RUN/$1/run inns "$P-$1" "$CULVERT" status --json | python3 -c "import json, sys
print(json.load(sys.stdin)['sas'][0]['child-sas'][0].get('drops-cleartext', 0))"
}
no_table() { ! inns "$1" nft list tables | grep -q culvert; }
both() { # brings both up, the device last
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    wait_log gw "Child SA net established"
    inns "$GW" nft list tables | grep -q "inet culvert0" || skip "no queue here: $(grep "in the clear" "$RUN/gw.log")"
}
ends() { # takes both down
    stop dev || fail "culvertd (dev) ended with $?"
    stop gw || fail "culvertd (gw) ended with $?"
}
cat >"$RUN/alerts.py" <<'P'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(struct.pack(">IBB", 7, 3, 5) + b"alert")
f = s.makefile("rb")
while True:
    print(f.read(struct.unpack(">I", f.read(4))[0]), flush=True)
P

# ---- a network behind a gateway ----

topology direct
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
ip -n "$APP" route add "$DEV_INNER_IP/32" via "$GW_LAN_IP"
ip -n "$DEV" route add "$APP_NET" via "$GW_IP"
passes "$APP" "$DEV" "$DEV_INNER_IP" "$APP_IP" || fail "the test cannot send in the clear"
both
spawn alerts "$GW" python3 "$RUN/alerts.py" "$RUN/gw/run/vici.sock"
wait_log alerts "x05"
reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
refused "$APP" "$DEV" "$DEV_INNER_IP" "$APP_IP" || fail "a packet in the clear passed"
refused "$APP" "$DEV" "$DEV_INNER_IP" "$APP_IP" || fail "a packet in the clear passed"
[ "$(counted gw)" -eq 6 ] || fail "$(counted gw) are counted"
swanctl gw --list-sas --raw | grep -q "drops-cleartext=6" || fail "$(swanctl gw --list-sas --raw)"
wait_log gw "data plane alarm, 4 times with $DEV_INNER_IP: packet in the clear .*; Child SA net"
wait_log alerts "DATA_PLANE.*cleartext.*child.*net"
wait_log dev "reports tampering.*in the clear"
passes "$APP" "$DEV" "$DEV_IP" "$APP_IP" || fail "another source is refused"
passes "$GW" "$DEV" "$DEV_INNER_IP" "$GW_IP" || fail "another destination is refused"
reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
inns "$GW" nft -f - <<N || skip "no nftables NAT"
table ip forward {
    chain in { type nat hook prerouting priority -100;
        iifname "wan" ip daddr $GW_IP icmp type echo-request dnat to $APP_IP; }
}
N
passes "$APP" "$DEV" "$DEV_IP" "$GW_IP" || fail "the test cannot send to a forwarded address"
refused "$APP" "$DEV" "$DEV_INNER_IP" "$GW_IP" || fail "a packet in the clear passed a forwarding rule"
inns "$GW" nft delete table ip forward
kill_hard gw
until_true 2 no_table "$GW" || fail "the table outlives its daemon"
passes "$APP" "$DEV" "$DEV_INNER_IP" "$APP_IP" || fail "without a daemon something is still dropped"
stop dev || fail "culvertd (dev) ended with $?"
both
refused "$APP" "$DEV" "$DEV_INNER_IP" "$APP_IP" || fail "a packet in the clear passed after a restart"
ends
no_table "$GW" || fail "$(inns "$GW" nft list ruleset)"

# ---- a full tunnel with a virtual address ----

gateway_conf
sed -i 's#local_ts = .*#local_ts = 0.0.0.0/0#; s#remote_ts = .*#remote_ts = dynamic#
    s#version = 2#version = 2\n        pools = lan#' "$RUN/gw/swanctl.conf"
echo 'pools { lan { addrs = 10.77.11.7/32 } }' >>"$RUN/gw/swanctl.conf"
CONN_EXTRA="vips = 0.0.0.0" CHILD_EXTRA="start_action = start" device_conf
sed -i 's#local_ts = .*#local_ts = dynamic#; s#remote_ts = .*#remote_ts = 0.0.0.0/0#' "$RUN/dev/swanctl.conf"
ip -n "$GW" route add 10.77.11.7 via "$DEV_IP"
both
reaches "$GW" 10.77.11.7 || fail "no ping to the virtual address"
refused "$DEV" "$GW" "$GW_IP" 10.77.11.7 || fail "a packet in the clear reached the virtual address"
[ "$(counted dev)" -eq 3 ] || fail "$(counted dev) are counted"
passes "$DEV" "$GW" "$GW_LAN_IP" "$DEV_IP" || fail "the physical address is cut off"
[ "$(counted dev)" -eq 3 ] || fail "what may pass is counted, too"
ends

# ---- two hosts ----

hosts() { # DEV_ADDR GW_ADDR
    host_conf dev "$1" "$2" "mode = transport
                start_action = start"
    host_conf gw "$2" "$1" "mode = transport"
    both
    reaches "$DEV" "$2" || fail "no ping ($2)"
    refused "$GW" "$DEV" "$1" "$2" || fail "a packet in the clear passed ($2)"
    [ "$(counted gw)" -eq 3 ] || fail "$(counted gw) are counted ($2)"
    for ns in "$DEV" "$GW"; do ip -n "$ns" neigh flush dev wan; done
    reaches "$DEV" "$2" || fail "no ping after the neighbors were forgotten ($2)"
    inns "$DEV" ping -c2 -i0.2 -W2 -q -s 9000 "$2" >/dev/null || fail "no large ping ($2)"
    [ "$(counted gw)" -eq 3 ] || fail "$(counted gw) are counted in the end ($2)"
    ends
}
hosts "$DEV_IP" "$GW_IP"
CONN_EXTRA="encap = yes" hosts "$DEV_IP" "$GW_IP"
for ns in "$DEV" "$GW"; do
    inns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=0
done
if ip -n "$DEV" addr add "$DEV6/64" dev wan nodad && ip -n "$GW" addr add "$GW6/64" dev wan nodad; then
    hosts "$DEV6" "$GW6"
    CONN_EXTRA="encap = yes" hosts "$DEV6" "$GW6"
else
    say "no IPv6 here: IPv4 only"
fi

# ---- a router inside the protected network tells of a narrow link ----

namespace "$NAT"
veth "$DEV" far 10.77.1.2 "$NAT" in 10.77.1.1
veth "$NAT" out 10.77.4.1 "$GW" near 10.77.4.2
ip -n "$DEV" route add 10.77.4.0/24 via 10.77.1.1
ip -n "$GW" route add 10.77.1.0/24 via 10.77.4.1
ip -n "$NAT" link set out mtu 1280
host_conf dev 10.77.1.2 10.77.4.2 "local_ts = 10.77.1.2/32
                remote_ts = 10.77.1.0/24,10.77.4.0/24
                start_action = start"
host_conf gw 10.77.4.2 10.77.1.2 "local_ts = 10.77.1.0/24,10.77.4.0/24
                remote_ts = 10.77.1.2/32"
both
reaches "$DEV" 10.77.4.2 || fail "no ping beside the router"
inns "$DEV" ping -M "do" -s 1350 -c6 -i0.3 -W1 10.77.4.2 >"$RUN/ping.log" 2>&1
grep -qiE "frag needed|message too long" "$RUN/ping.log" || fail "nobody told the sender: $(cat "$RUN/ping.log")"
[ "$(counted dev)" -eq 0 ] || fail "the router's word is a violation"
refused "$DEV" "$NAT" 10.77.1.1 10.77.1.2 || fail "the router's ping passed"
[ "$(counted dev)" -eq 3 ] || fail "$(counted dev) are counted"
ends

# ---- somebody is in the way; the operator does not want it ----

gateway_conf
CHILD_EXTRA="start_action = start" device_conf
inns "$GW" nft add table inet culvert0
daemon gw
wait_log gw "no nf_tables table: File exists.*strict-inbound"
stop gw || fail "culvertd (gw) ended with $?"
inns "$GW" nft delete table inet culvert0
echo 'culvert { cleartext = pass }' >>"$RUN/gw/swanctl.conf"
daemon gw
daemon dev
wait_log gw "Child SA net established"
inns "$GW" nft list tables | grep -q 'culvert0$' && fail "a table in spite of cleartext = pass"
passes "$APP" "$DEV" "$DEV_INNER_IP" "$APP_IP" || fail "dropped in spite of cleartext = pass"
pass
