#!/bin/bash
# mode = pass: a service beside the tunnel is reached in the clear.  mode = drop: what no tunnel
# takes stays here, our own packets excepted.  Both go with the daemon.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"

topology direct
gateway_conf
CHILD_EXTRA="start_action = start
            }
            ssh {
                mode = pass
                local_ts = dynamic
                remote_ts = $APP_NET[tcp/8022]
                start_action = trap
            }
            rest {
                mode = drop
                local_ts = dynamic
                remote_ts = 10.77.0.0/16
                start_action = trap
            }
            later {
                mode = drop
                remote_ts = 198.51.100.0/24" device_conf
inns "$GW" nft -f - <<N
table ip watch {
    chain clear { type filter hook prerouting priority 0;
        iifname "wan" tcp dport 8022 counter comment "passed"
        iifname "wan" tcp dport 8023 counter comment "protected"
    }
}
N
cat >"$RUN/serve.py" <<'P'
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen()
print("serving", flush=True)
while True:
    c, peer = s.accept()
    c.sendall(peer[0].encode())
    c.close()
P
seen_from() { # PORT: the address the application sees
    inns "$DEV" timeout 3 python3 -c "import socket
print(socket.create_connection(('$APP_IP', $1), 2).recv(99).decode())"
}
ip -n "$DEV" route add "$APP_NET" via "$GW_IP"
ip -n "$APP" route add 10.77.2.0/24 via "$GW_LAN_IP" 2>/dev/null
spawn passed "$APP" python3 "$RUN/serve.py" "$APP_IP" 8022
spawn protected "$APP" python3 "$RUN/serve.py" "$APP_IP" 8023
wait_log passed serving
wait_log protected serving
daemon gw
ping_once "$DEV" "$GW_IP" || fail "no ping before the policy"
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" "$DEV_INNER_IP" || fail "no ping through the tunnel"
[ "$(seen_from 8023)" = "$DEV_INNER_IP" ] || fail "not through the tunnel: $(seen_from 8023)"
[ "$(seen_from 8022)" = "$DEV_DIRECT_IP" ] || fail "not passed: $(seen_from 8022)"
ping_once "$DEV" "$GW_IP" && fail "what no tunnel takes left in the clear"
inns "$DEV" ip rule | grep -q 198.51.100 && fail "installed without start_action"
swanctl dev --list-pols --pass --drop >"$RUN/policies"
grep -q "home/ssh, PASS" "$RUN/policies" || fail "$(cat "$RUN/policies")"
grep -q "home/rest, DROP" "$RUN/policies" || fail "$(cat "$RUN/policies")"
grep -q "later" "$RUN/policies" && fail "$(cat "$RUN/policies")"
CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" status -v >"$RUN/status"
for line in "net +up" "ssh +pass" "rest +drop" "later +off"; do
    grep -Eq "^  $line " "$RUN/status" || fail "no '$line': $(cat "$RUN/status")"
done
seen=$(inns "$GW" nft list table ip watch)
grep -q 'packets [1-9].*passed' <<<"$seen" || fail "nothing passed: $seen"
grep -q 'packets 0 .*protected' <<<"$seen" || fail "sent in the clear: $seen"
swanctl dev --rekey --ike home >/dev/null || fail "our own packets are dropped"
stop dev || fail "culvertd (dev) ended with $?"
[ "$(inns "$DEV" ip rule | wc -l)" -eq 3 ] || fail "rules stay: $(inns "$DEV" ip rule)"
ping_once "$DEV" "$GW_IP" || fail "still dropped"
pass
