#!/bin/bash
# What stands between the IP header and AH: IPv4 options, IPv6 hop-by-hop and destination
# options.  Two hosts with AH, in transport mode and in a tunnel with the outer addresses inside; a
# program at one end sets them, that at the other sees them, and nothing is seen without AH.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"

topology hosts

cat >"$RUN/headers.py" <<'P'
import socket, sys
mode, host = sys.argv[1:3]
v6 = ":" in host
HOPOPTS, DSTOPTS, RECVHOPOPTS, RECVDSTOPTS, IP_OPTIONS, IP_RECVOPTS = 54, 59, 53, 58, 4, 6
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
if mode == "serve":
    if v6:
        s.setsockopt(socket.IPPROTO_IPV6, RECVHOPOPTS, 1)
        s.setsockopt(socket.IPPROTO_IPV6, RECVDSTOPTS, 1)
    else:
        s.setsockopt(socket.IPPROTO_IP, IP_RECVOPTS, 1)
    s.bind((host, 7007))
    print("serving", flush=True)
    while True:
        data, control, _, peer = s.recvmsg(65535, 1024)
        seen = sorted((kind, bytes(value)[2 if v6 else 0:]) for _, kind, value in control)
        s.sendto(repr(seen).encode(), peer)
s.settimeout(2)
experiment = bytes([0x1e, 4, 1, 2, 3, 4])  # RFC 4727: passed over, not changed on the way
change = bytes([0x3e, 4, 1, 2, 3, 4])      # may change on the way, so AH leaves its data out
alert, timestamp = bytes([148, 4, 0, 0]), bytes([68, 8, 5, 0, 0, 0, 0, 0])
cases = [[], [(HOPOPTS, experiment)], [(DSTOPTS, change)],
         [(HOPOPTS, change), (DSTOPTS, experiment)]] if v6 else [
         [], [(IP_OPTIONS, alert)], [(IP_OPTIONS, timestamp)], [(IP_OPTIONS, alert + timestamp)]]
for case in cases:
    for kind in (HOPOPTS, DSTOPTS) if v6 else ():
        value = dict(case).get(kind)
        s.setsockopt(socket.IPPROTO_IPV6, kind, bytes([0, 0]) + value if value else b"")
    if not v6:
        s.setsockopt(socket.IPPROTO_IP, IP_OPTIONS, dict(case).get(IP_OPTIONS, b""))
    s.sendto(b"x" * 100, (host, 7007))
    seen = s.recv(65535).decode()
    if v6 and seen != repr(sorted(case)) or not v6 and len(eval(seen)) != len(case):
        sys.exit(f"{case} came as {seen}")
P

between() { # NAME DEV_ADDR GW_ADDR
    local clear
    host_conf dev "$2" "$3" "mode = $MODE
                ah_proposals = sha256
                start_action = start"
    host_conf gw "$3" "$2" "mode = $MODE
                ah_proposals = sha256"
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    wait_log gw "Child SA net established"
    inns "$GW" nft -f - <<N
table inet watch
delete table inet watch
table inet watch {
    chain clear { type filter hook prerouting priority 0;
        iifname "wan" udp dport 7007 counter
    }
}
N
    reaches "$DEV" "$3" || fail "$1: no ping"
    spawn headers "$GW" python3 "$RUN/headers.py" serve "$3"
    wait_log headers serving
    inns "$DEV" python3 "$RUN/headers.py" ask "$3" || fail "$1: headers do not come through"
    clear=$(inns "$GW" nft list table inet watch)
    grep -q "counter packets 0" <<<"$clear" || fail "$1: in the clear: $clear"
    stop headers
    : >"$RUN/headers.log"
    stop dev || fail "$1: culvertd (dev) ended with $?"
    stop gw || fail "$1: culvertd (gw) ended with $?"
}

for MODE in transport tunnel; do
    between "IPv6 $MODE" "$DEV6" "$GW6"
    between "IPv4 $MODE" "$DEV_DIRECT_IP" "$GW_IP"
done
pass
