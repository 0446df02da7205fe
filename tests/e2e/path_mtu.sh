#!/bin/bash
# A link with an MTU of 1280 on the way.  Its router says so: senders inside are told, TCP goes
# on, and packets without DF are cut before they are sealed, so that no fragment is seen outside
# unless fragmentation = after asks for it.  Then the router is silent, a black hole: with copy_df = no everything still
# passes, in fragments outside.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v curl >/dev/null || skip "no curl"

# The NAT's namespace is a router here.
nat_rules() { :; }
topology nat
ip -n "$GW" route add 10.77.1.0/24 via "$NAT_OUT_IP"
for ns in "$GW" "$NAT"; do
    ip -n "$ns" link set "$([ "$ns" = "$GW" ] && echo wan || echo out)" mtu 1280
done
mkdir -p "$RUN/www"
head -c 3000000 /dev/urandom >"$RUN/www/data"
spawn www "$DEV" python3 -m http.server -d "$RUN/www" --bind "$DEV_INNER_IP" 8008

transfers() { # the large packets go from the device, towards the narrow link
    until_true 5 inns "$APP" curl -sS -m 2 -o /dev/null -I "http://$DEV_INNER_IP:8008/data"
    inns "$APP" curl -sS -m 20 -o "$RUN/got" "http://$DEV_INNER_IP:8008/data" || return 1
    cmp -s "$RUN/got" "$RUN/www/data"
}

inns "$GW" nft -f - <<N
table ip outside {
    counter pieces { }
    chain seen { type filter hook prerouting priority -450;
        iifname "wan" ip frag-off & 0x3fff != 0 counter name pieces
    }
}
N
pieces() { inns "$GW" nft -j list counter ip outside pieces | grep -o '"packets": [0-9]*' | cut -d' ' -f2; }

cat >"$RUN/lengths.py" <<'P'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 7000))
while True:
    data, peer = s.recvfrom(65535)
    s.sendto(b"%d" % len(data) if data == bytes(i % 251 for i in range(len(data))) else b"bad", peer)
P
spawn lengths "$APP" python3 "$RUN/lengths.py"
cat >"$RUN/ask.py" <<'P'
import socket, sys
n = int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: IP_PMTUDISC_DONT, no DF
s.settimeout(2)
s.bind((sys.argv[1], 0))
s.sendto(bytes(i % 251 for i in range(n)), (sys.argv[2], 7000))
sys.exit(s.recv(100) != b"%d" % n)
P
datagrams() { # TUN's own MTU makes fragments of the larger ones, which are cut again
    local n
    for n in 1300 3000 20000; do
        inns "$DEV" python3 "$RUN/ask.py" "$DEV_INNER_IP" "$APP_IP" $n || return 1
    done
}

for way in "no before" "yes before" "no after"; do
    encap=${way% *} when=${way#* }
    CONN_EXTRA="encap = $encap" gateway_conf
    CONN_EXTRA="encap = $encap" CHILD_EXTRA="start_action = start
                fragmentation = $when" device_conf
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    reaches "$DEV" "$APP_IP" || fail "no ping"
    inns "$DEV" ping -M "do" -s 1350 -c6 -i0.3 -W1 "$APP_IP" >"$RUN/ping.log" 2>&1 &&
        fail "packets with DF that do not fit came through"
    # each of router, kernel and engine learns from one packet, then the sender is told
    grep -qiE "frag needed|message too long" "$RUN/ping.log" || fail "nobody told the sender"
    transfers || fail "TCP does not get through (encap = $encap)"
    inns "$DEV" ip route flush cache # or the sender would cut what ping was told of
    inns "$GW" nft reset counter ip outside pieces >/dev/null
    datagrams || fail "a datagram without DF is lost (encap = $encap, $when)"
    [ "$when" = before ] && [ "$(pieces)" != 0 ] && fail "$(pieces) fragments outside"
    [ "$when" = after ] && [ "$(pieces)" -lt 20 ] && fail "no fragments outside"
    stop dev || fail "culvertd (dev) ended with $?"
    stop gw || fail "culvertd (gw) ended with $?"
    inns "$DEV" ip route flush cache
done

inns "$NAT" nft -f - <<N
table ip hole {
    chain quiet { type filter hook output priority 0; icmp type destination-unreachable drop; }
}
N
CHILD_EXTRA="copy_df = no" gateway_conf
CHILD_EXTRA="start_action = start
                copy_df = no" device_conf
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping through the black hole"
inns "$DEV" ping -M "do" -s 1350 -c2 -i0.3 -W1 -q "$APP_IP" >/dev/null || fail "large packets"
transfers || fail "TCP is lost in the black hole"
pass
