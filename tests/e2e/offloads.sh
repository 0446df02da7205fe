#!/bin/bash
# TCP both ways at one time through NAT and tunnel, over IPv4 and IPv6 inside, with offloads at both ends, at one, at
# none: every octet arrives, and stats says what is in use.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology nat
DEV_INNER6=fd77:10::2 APP6=fd77:3::2
for ns in "$DEV" "$GW" "$APP"; do
    inns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.all.forwarding=1 2>/dev/null || skip "no IPv6"
done
ip -n "$DEV" addr add "$DEV_INNER6/128" dev lo nodad
ip -n "$APP" addr add "$APP6/64" dev lan nodad
ip -n "$GW" addr add fd77:3::1/64 dev lan nodad
ip -n "$APP" route add default via fd77:3::1
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
sed -i "s|local_ts = $APP_NET|&,fd77:3::/64|; s|remote_ts = $APP_NET|&,fd77:3::/64|; s|$DEV_INNER_IP/32|&,$DEV_INNER6/128|" \
    "$RUN"/{gw,dev}/swanctl.conf
offload() { sed -i '/^culvert {/,/^}/d' "$RUN/$1/swanctl.conf"; printf 'culvert {\n    offload = %s\n}\n' "$2" >>"$RUN/$1/swanctl.conf"; }

head -c 60000000 /dev/urandom >"$RUN/octets"
want=$(sha256sum <"$RUN/octets")
cat >"$RUN/server.py" <<'P'
# Takes a stream to its end and sends it back while it comes, over either family.
import socket, sys, threading
def serve(s):
    c = s.accept()[0]
    while data := c.recv(1 << 16):
        c.sendall(data)
    c.close()
socks = [socket.create_server((a, 9000), family=f) for a, f in ((sys.argv[1], socket.AF_INET), (sys.argv[2], socket.AF_INET6))]
print("listening", flush=True)
while True:
    for t in [threading.Thread(target=serve, args=(s,)) for s in socks]:
        t.start()
    t.join()
P
cat >"$RUN/client.py" <<'P'
import hashlib, socket, sys, threading
data, digest = open(sys.argv[2], "rb").read(), hashlib.sha256()
c = socket.create_connection((sys.argv[1], 9000), timeout=20)
def send():
    c.sendall(data)
    c.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
while part := c.recv(1 << 16):
    digest.update(part)
print(digest.hexdigest() + "  -")
P
spawn server "$APP" python3 "$RUN/server.py" "$APP_IP" "$APP6"
wait_log server listening
# in_use SIDE yes|no: does stats say so of the TUN device and of UDP?
in_use() {
    local n=0 raw
    [ "$2" = no ] || n=1
    [ -n "$SWANCTL" ] || return 0
    raw=$(inns "$P-$1" "$SWANCTL" --stats --raw --uri "unix://$RUN/$1/run/vici.sock")
    grep -q "offloads {tun-tso=$n tun-uso=[01] udp-gso=$n udp-gro=$n}" <<<"$raw" || fail "$1, offload = $2: $raw"
}

for case in "yes yes" "no yes" "yes no" "no no"; do
    read -r of_dev of_gw <<<"$case"
    offload dev "$of_dev"
    offload gw "$of_gw"
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    for to in "$APP_IP" "$APP6"; do
        got=$(inns "$DEV" timeout 60 python3 "$RUN/client.py" "$to" "$RUN/octets") || fail "$case: no stream to $to"
        [ "$got" = "$want" ] || fail "$case: octets to and from $to are others"
    done
    in_use dev "$of_dev"
    in_use gw "$of_gw"
    stop dev
    stop gw
done
pass
