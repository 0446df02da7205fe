#!/bin/bash
# What ESP packets look like on the wire: all of one length with tfc_padding, numbers from the
# clock with minimal_esp.  And what never goes in: multicast, unless a selector names it.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"

topology direct
watch() {
    inns "$GW" nft -f - <<N
table ip watch
delete table ip watch
table ip watch {
    chain seen { type filter hook prerouting priority 0;
        iifname "wan" ip protocol esp counter comment "any"
        iifname "wan" ip protocol esp ip length < 900 counter comment "small"
        iifname "wan" ip protocol esp ip length > 1480 counter comment "large"
        iifname "wan" ip protocol esp @th,32,32 > 900 counter comment "late"
    }
}
N
}
count() { inns "$GW" nft list table ip watch | sed -n "s/.*packets \([0-9]*\) .*\"$1\".*/\1/p"; }

between() { # LINE_OF_THE_DEVICE'S_CHILD [LARGEST_PING]
    gateway_conf
    CHILD_EXTRA="start_action = start
                $1" device_conf
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    watch
    reaches "$DEV" "$APP_IP" || fail "no ping"
    sleep 1
    for size in 1 300 700 "${2:-700}"; do
        inns "$DEV" ping -c2 -i0.2 -W1 -q -s "$size" "$APP_IP" >/dev/null || fail "no ping of $size"
    done
}

end() {
    stop dev || fail "culvertd (dev) ended with $?"
    stop gw || fail "culvertd (gw) ended with $?"
}

sent() { # a datagram to a group goes out by the TUN device
    inns "$DEV" python3 - "$1" <<'P'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
             struct.pack("=4s4si", bytes(4), bytes(4), socket.if_nametoindex("culvert0")))
s.bind(("10.77.10.2", 0))
s.sendto(b"to all", (sys.argv[1], 7000))
P
}

between "tfc_padding = 900"
[ "$(count any)" -ge 8 ] && [ "$(count small)" = 0 ] && [ "$(count large)" = 0 ] ||
    fail "padding: $(inns "$GW" nft list table ip watch)"
[ "$(count late)" = 0 ] || fail "numbers that do not count packets"
end

between "tfc_padding = mtu" 1300
[ "$(count any)" -ge 8 ] && [ "$(count large)" = "$(count any)" ] ||
    fail "padding to the MTU: $(inns "$GW" nft list table ip watch)"
end

between "minimal_esp = yes"
[ "$(count late)" -ge 8 ] && [ "$(count small)" -ge 8 ] ||
    fail "numbers from the clock: $(inns "$GW" nft list table ip watch)"
end

# Groups: one that a selector names, and one that none does.
sed -i "s|remote_ts = $APP_NET|remote_ts = $APP_NET, 239.1.0.0/16|" "$RUN/dev/swanctl.conf"
sed -i "s|local_ts = $APP_NET|local_ts = $APP_NET, 239.1.0.0/16|" "$RUN/gw/swanctl.conf"
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping"
before=$(count any)
sent 239.1.2.3
sleep 0.3
[ "$(count any)" -gt "$before" ] || fail "a group that a selector names got no ESP packet"
before=$(count any)
sent 239.2.2.3
sleep 0.3
[ "$(count any)" = "$before" ] || fail "a group that no selector names was sent"
end
pass
