#!/bin/bash
# What policy holds back never leaves in the clear while policies change hands: a reload that
# changes or renames a connection, a Child SA that ends with close_action = trap.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v nft >/dev/null || skip "no nft"

flood() { # SECONDS: as many packets to the protected network as go
    inns "$DEV" python3 -c "import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('$DEV_INNER_IP', 0))
end = time.time() + $1
while time.time() < end:
    for _ in range(50):
        try:
            s.sendto(b'secret', ('$APP_IP', 7777))
        except OSError:
            pass"
}
in_clear() { # those that left on the outer link as they were
    inns "$DEV" nft list table ip watch | sed -nE 's/.*counter packets ([0-9]+) .*/\1/p'
}
reloads() { # TIMES: each changes the connection, every second one its name too
    local i
    for i in $(seq "$1"); do
        sed -i "s|dpd_delay = .*|dpd_delay = $((30 + i))s|; s|^    home[0-9]* {|    home$((i / 2)) {|" "$RUN/dev/swanctl.conf"
        signal dev HUP
        sleep 0.1
    done
}

topology direct
ip -n "$DEV" route add "$APP_NET" via "$GW_IP"
inns "$DEV" nft -f - <<N
table ip watch {
    chain out { type filter hook postrouting priority 300;
        oifname "wan" ip daddr $APP_NET counter
    }
}
N
flood 0.1
[ "$(in_clear)" -gt 0 ] || fail "the test does not see what leaves in the clear"
before=$(in_clear)

for how in "start_action = trap" "start_action = trap
                mode = drop"; do
    CONN_EXTRA="dpd_delay = 30s" CHILD_EXTRA=$how device_conf
    daemon dev
    flood 3 &
    flooding=$!
    reloads 20
    wait "$flooding"
    [ "$(grep -c reloaded "$RUN/dev.log")" -eq 20 ] || fail "no reloads"
    [ "$(in_clear)" -eq "$before" ] || fail "$(($(in_clear) - before)) left at a reload: $how"
    stop dev || fail "culvertd (dev) ended with $?"
done

gateway_conf
CHILD_EXTRA="close_action = trap" device_conf
daemon gw
daemon dev
for round in 1 2 3 4 5; do
    swanctl dev --initiate --child net >/dev/null || fail "no tunnel in round $round"
    reaches "$DEV" "$APP_IP" "$DEV_INNER_IP" || fail "no ping in round $round"
    flood 1 &
    flooding=$!
    sleep 0.3
    swanctl gw --terminate --child net >/dev/null || fail "no delete in round $round"
    wait "$flooding"
    [ "$(in_clear)" -eq "$before" ] || fail "$(($(in_clear) - before)) left when the peer deleted"
    stop dev || fail "culvertd (dev) ended with $?" # its trap goes with it
    daemon dev
done
pass
