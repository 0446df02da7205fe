#!/bin/bash
# Policies that routes and rules alone cannot tell: a child for one port, whose neighbours go
# around it in the clear, from either side; traps for one port and for one ICMP type; pass
# and drop by ICMP type; a drop before a pass.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v nft >/dev/null || skip "no nft"

serve() { # NAME NAMESPACE ADDRESS PORT: answers with the address it sees
    spawn "$1" "$2" python3 -c "import socket
s = socket.create_server(('$3', $4))
print('serving', flush=True)
while True:
    c, peer = s.accept()
    c.sendall(peer[0].encode())
    c.close()"
    wait_log "$1" serving
}
sees() { # NAMESPACE ADDRESS PORT: what the server there says
    inns "$1" timeout 5 python3 -c "import socket
print(socket.create_connection(('$2', $3), 4).recv(99).decode())" 2>/dev/null
}
in_clear() { # COMMENT: packets counted on the gateway's outer link
    inns "$GW" nft list table ip watch |
        sed -nE "s/.*counter packets ([0-9]+) .*comment \"$1\".*/\1/p"
}
watch() { inns "$GW" nft -f - <<N
table ip watch
delete table ip watch
table ip watch {
    chain in { type filter hook prerouting priority -300;
        iifname "wan" tcp dport 8443 counter comment "web"
        iifname "wan" tcp dport 8080 counter comment "other"
        iifname "wan" icmp type echo-request counter comment "ping"
    }
    chain out { type filter hook postrouting priority 300;
        oifname "wan" tcp sport 8443 counter comment "web-back"
        oifname "wan" tcp dport 8081 counter comment "other-back"
    }
}
N
}

topology direct
ip -n "$DEV" route add "$APP_NET" via "$GW_IP"
ip -n "$GW" route add "$DEV_INNER_IP" via "$DEV_DIRECT_IP"
serve web "$APP" "$APP_IP" 8443
serve other "$APP" "$APP_IP" 8080
serve device "$DEV" "$DEV_DIRECT_IP" 8081

# ---- one port ---------------------------------------------------------------------------
device_conf
gateway_conf
sed -i "s|local_ts = .*|local_ts = $DEV_DIRECT_IP/32|
        s|remote_ts = .*|remote_ts = $APP_NET[tcp/8443]\n start_action = trap\n}\necho {|
        /echo {/a remote_ts = $GW_IP[icmp/8]\n start_action = trap" "$RUN/dev/swanctl.conf"
sed -i "s|local_ts = .*|local_ts = $APP_NET[tcp/8443]|
        s|remote_ts = .*|remote_ts = $DEV_DIRECT_IP/32|" "$RUN/gw/swanctl.conf"
watch
daemon gw
daemon dev
[ "$(sees "$DEV" "$APP_IP" 8080)" = "$DEV_DIRECT_IP" ] || fail "the trap holds another port"
ping_once "$DEV" "$APP_IP" || fail "the trap holds pings"
logged dev "traffic wants" && fail "the trap takes another port for its own"
inns "$DEV" timeout 5 bash -c "</dev/tcp/$GW_IP/9" 2>&1 | grep -q "refused" || fail "the trap for pings holds TCP"
ping_once "$DEV" "$GW_IP" && fail "the trap lets a ping pass"
wait_log dev "echo: traffic wants the tunnel"
[ "$(sees "$DEV" "$APP_IP" 8443)" = "$DEV_DIRECT_IP" ] || fail "not through the tunnel"
wait_log dev "net: traffic wants the tunnel"
wait_log dev "Child SA net established"
ip -n "$GW" route show table 220 | grep -q "$DEV_DIRECT_IP" || fail "no route on the gateway"
before=$(in_clear other)
[ "$(sees "$DEV" "$APP_IP" 8080)" = "$DEV_DIRECT_IP" ] || fail "another port does not pass"
[ "$(in_clear other)" -gt "$before" ] || fail "another port went through the tunnel"
[ "$(sees "$APP" "$DEV_DIRECT_IP" 8081)" = "$APP_IP" ] || fail "another port from behind does not pass"
[ "$(in_clear other-back)" -gt 0 ] || fail "another port from behind went through the tunnel"
inns "$DEV" ping -c1 -W2 -q -s 3000 "$APP_IP" >/dev/null || fail "fragments of others do not pass"
[ "$(in_clear web)" = 0 ] && [ "$(in_clear web-back)" = 0 ] || fail "the port was seen in the clear"
swanctl dev --rekey --child net >/dev/null || fail "rekey"
wait_log dev "rekeyed"
[ "$(sees "$DEV" "$APP_IP" 8080)" = "$DEV_DIRECT_IP" ] || fail "nothing passes after a rekey"
stop dev || fail "culvertd (dev) ended with $?"
stop gw || fail "culvertd (gw) ended with $?"

# ---- ICMP types around a tunnel -----------------------------------------------------------
pings() { # LOCAL REMOTE
    echo "start_action = start
            }
            pings {
                mode = pass
                local_ts = $1
                remote_ts = $2[icmp/8], $2[icmp/0]
                start_action = trap"
}
CHILD_EXTRA=$(pings "$DEV_INNER_IP" "$APP_NET") device_conf
CHILD_EXTRA=$(pings "$APP_NET" "$DEV_INNER_IP" | sed '1s/start$/none/') gateway_conf
watch
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" "$DEV_INNER_IP" || fail "no ping around the tunnel"
[ "$(in_clear ping)" -gt 0 ] || fail "pings went through the tunnel"
[ "$(sees "$DEV" "$APP_IP" 8443)" = "$DEV_INNER_IP" ] || fail "TCP is not in the tunnel"
[ "$(in_clear web)" = 0 ] || fail "TCP was seen in the clear"
stop dev || fail "culvertd (dev) ended with $?"
[ "$(inns "$DEV" ip rule | wc -l)" -eq 3 ] || fail "rules stay: $(inns "$DEV" ip rule)"
stop gw || fail "culvertd (gw) ended with $?"

# ---- around all there is, from the address outside ----------------------------------------
CONN_EXTRA="vips = 0.0.0.0" CHILD_EXTRA="start_action = start
            }
            pings {
                mode = pass
                remote_ts = 0.0.0.0/0[icmp/8]
                start_action = trap" device_conf
sed -i "0,/local_ts = .*/s///; 0,/remote_ts = .*/s//remote_ts = 0.0.0.0\/0/" "$RUN/dev/swanctl.conf"
CONN_EXTRA="pools = fleet" gateway_conf
sed -i "s|local_ts = .*|local_ts = 0.0.0.0/0|; s|remote_ts = .*||" "$RUN/gw/swanctl.conf"
echo "pools { fleet { addrs = 10.77.20.0/24 } }" >>"$RUN/gw/swanctl.conf"
watch
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping around a tunnel for everything"
[ "$(in_clear ping)" -gt 0 ] || fail "pings went through the tunnel"
[ "$(sees "$DEV" "$APP_IP" 8443)" = 10.77.20.1 ] || fail "TCP is not in the tunnel for everything"
[ "$(in_clear web)" = 0 ] || fail "TCP was seen in the clear beside a tunnel for everything"
stop dev || fail "culvertd (dev) ended with $?"
stop gw || fail "culvertd (gw) ended with $?"

# ---- ICMP types that are dropped ----------------------------------------------------------
CHILD_EXTRA="}
            no-ping {
                mode = drop
                remote_ts = $GW_IP[icmp/8]
                start_action = trap
            }
            open {
                mode = pass
                remote_ts = 10.77.3.0/24
                start_action = trap
            }
            no-ping-behind {
                mode = drop
                remote_ts = 10.77.3.0/24[icmp/8]
                priority = 1
                start_action = trap
            }
            no-ping-6 {
                mode = drop
                remote_ts = fd77::2[ipv6-icmp/128]
                start_action = trap" device_conf
ip -n "$DEV" addr add fd77::1/64 dev wan nodad
ip -n "$GW" addr add fd77::2/64 dev wan nodad
ping_once "$DEV" fd77::2 || fail "no ping before the policy"
gateway_conf
daemon gw
daemon dev
if inns "$DEV" nft list tables 2>/dev/null | grep -q "inet culvert0"; then
    ping_once "$GW" "$DEV_DIRECT_IP" && fail "a ping was let in"
    ping_once "$APP" "$DEV_DIRECT_IP" && fail "a ping from behind was let in"
fi
stop dev || fail "culvertd (dev) ended with $?"
echo 'culvert { cleartext = pass }' >>"$RUN/dev/swanctl.conf"
daemon dev
ping_once "$DEV" "$GW_IP" && fail "a ping left"
ping_once "$GW" "$DEV_DIRECT_IP" || fail "the answer to a ping is dropped, too"
ping_once "$DEV" fd77::2 && fail "a ping left over IPv6"
ping_once "$GW" fd77::1 || fail "the answer to a ping is dropped, too, over IPv6"
ping_once "$DEV" "$APP_IP" && fail "pass was stronger than a drop with a priority"
ping_once "$APP" "$DEV_DIRECT_IP" || fail "the answer to a ping from behind is dropped, too"
[ "$(sees "$DEV" "$APP_IP" 8080)" = "$DEV_DIRECT_IP" ] || fail "TCP is dropped, too"
swanctl dev --initiate --child net >/dev/null || fail "IKE is dropped"
ip -n "$DEV" addr del "$DEV_DIRECT_IP/24" dev wan
ip -n "$DEV" addr add 10.77.2.9/24 dev wan
ip -n "$DEV" route replace "$APP_NET" via "$GW_IP"
ping_once "$DEV" "$GW_IP" && fail "a ping left from another address"
stop dev || fail "culvertd (dev) ended with $?"
ping_once "$DEV" "$GW_IP" || fail "still dropped"
[ "$(inns "$DEV" ip -6 rule | wc -l)" -eq 2 ] || fail "rules stay: $(inns "$DEV" ip -6 rule)"
[ "$(inns "$DEV" ip rule | wc -l)" -eq 3 ] || fail "rules stay: $(inns "$DEV" ip rule)"
pass
