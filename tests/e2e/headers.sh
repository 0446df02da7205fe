#!/bin/bash
# What stands in front of AH and of ESP in transport mode: TTL, DF and identification, IPv4 options,
# IPv6 hop-by-hop and destination options.  Two hosts with AH, in transport mode and in a tunnel with
# the outer addresses inside, and with ESP in transport mode, with and without UDP; a program at one
# end sets them, that at the other sees them, and nothing is seen in the clear.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"

topology hosts

cat >"$RUN/headers.py" <<'P'
import socket, struct, sys
mode, host = sys.argv[1:3]
v6 = ":" in host
HOPOPTS, DSTOPTS, RECVHOPOPTS, RECVDSTOPTS, IP_OPTIONS, IP_RECVOPTS = 54, 59, 53, 58, 4, 6
alert, timestamp = bytes([148, 4, 0, 0]), bytes([68, 8, 5, 0, 0, 0, 0, 0])
s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
if mode == "raw":  # a packet whose header is all ours: identification, DF or not, TTL, options
    upper = bytes.fromhex("1b5f1b5f000c0000") + b"mark"
    packets = [(0xBEEF, 0x4000, 33, b""), (0xBEE0, 0, 1, alert)]
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for number, flags, ttl, options in packets:
        s.sendto(struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 0, number, flags, ttl, 17, 0,
                             socket.inet_aton(sys.argv[3]), socket.inet_aton(host)) + options + upper, (host, 0))
    sys.exit()
if mode == "see":  # identification, DF, TTL, octets of options of such packets, and where they are seen
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    print("seeing", flush=True)
    while True:
        data, where = s.recvfrom(65535)
        number, flags = struct.unpack(">HH", data[4:8])
        if number & 0xFFF0 == 0xBEE0 or data[-4:] == b"mark":
            print(where[0], "%x" % number, flags >> 14, data[8], 4 * (data[0] & 15) - 20, flush=True)
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

# What a header has that no socket option can choose.  Behind UDP no socket tells the receiver DF and
# identification: there DF is set, and the packet seen outside has what was sent.
raw() { # NAME DEV_ADDR GW_ADDR
    local want="culvert0 beef 1 33 0
culvert0 bee0 0 1 4"
    [ -z "$CONN_EXTRA" ] || want="wan beef 1 33 0
wan bee0 0 1 4
culvert0 0 1 33 0
culvert0 0 1 1 4"
    spawn see "$GW" python3 "$RUN/headers.py" see -
    wait_log see seeing
    inns "$DEV" python3 "$RUN/headers.py" raw "$3" "$2"
    wait_log see "culvert0 .* 4\$"
    stop see
    while read -r line; do
        grep -qx "$line" "$RUN/see.log" || fail "$1: no '$line' in: $(cat "$RUN/see.log")"
    done <<<"$want"
    : >"$RUN/see.log"
}

between() { # NAME DEV_ADDR GW_ADDR
    local clear
    host_conf dev "$2" "$3" "mode = $MODE
                $PROPOSAL
                start_action = start"
    host_conf gw "$3" "$2" "mode = $MODE
                $PROPOSAL"
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
    case $3 in *:*) ;; *) raw "$1" "$2" "$3" ;; esac
    clear=$(inns "$GW" nft list table inet watch)
    grep -q "counter packets 0" <<<"$clear" || fail "$1: in the clear: $clear"
    stop headers
    : >"$RUN/headers.log"
    stop dev || fail "$1: culvertd (dev) ended with $?"
    stop gw || fail "$1: culvertd (gw) ended with $?"
}

CONN_EXTRA="" PROPOSAL="ah_proposals = sha256"
for MODE in transport tunnel; do
    between "IPv6 AH $MODE" "$DEV6" "$GW6"
    between "IPv4 AH $MODE" "$DEV_DIRECT_IP" "$GW_IP"
done
MODE=transport PROPOSAL="esp_proposals = aes128gcm16"
for CONN_EXTRA in "" "encap = yes"; do
    between "IPv6 ESP $CONN_EXTRA" "$DEV6" "$GW6"
    between "IPv4 ESP $CONN_EXTRA" "$DEV_DIRECT_IP" "$GW_IP"
done
pass
