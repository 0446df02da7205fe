#!/bin/bash
# README's device, without a word more in its connection: the gateway is absent when it starts,
# is restarted, is killed, moves to another address of the same name; the device's network goes
# and comes back, or gives it another address.  The tunnel is there again each time, by itself.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

NEW_GW=10.77.2.9
topology direct
cat >"$RUN/gw/swanctl.conf" <<C
connections {
    devices {
        pools = fleet
        local {
            auth = psk
            id = gateway.example
        }
        remote {
            auth = psk
            id = *.fleet.example
        }
        children {
            services {
                local_ts = $APP_NET
            }
        }
    }
}
pools {
    fleet {
        addrs = 10.77.20.1/32
    }
}
secrets {
    ike {
        secret = "change me"
    }
}
C
cat >"$RUN/dev/swanctl.conf" <<C
connections {
    platform {
        remote_addrs = gateway.example
        vips = 0.0.0.0
        local {
            auth = psk
            id = sensor-17.fleet.example
        }
        remote {
            auth = psk
            id = gateway.example
        }
        children {
            services {
                remote_ts = $APP_NET
                start_action = start
            }
        }
    }
}
secrets {
    ike-gateway {
        id = gateway.example
        secret = "change me"
    }
}
culvert {
    retransmit_timeout = 0.3
    retransmit_tries = 2
}
C
# ip netns exec shows the files of /etc/netns/NAME in /etc
mkdir -p "/etc/netns/$DEV"
AT_EXIT='rm -rf "/etc/netns/$DEV"; rmdir /etc/netns 2>/dev/null'
: >"/etc/netns/$DEV/resolv.conf"
means() { printf '127.0.0.1 localhost\n%s gateway.example\n' "$1" >"/etc/netns/$DEV/hosts"; }
ms() { python3 -c 'import time; print(int(time.monotonic() * 1000))'; }
again() { # WHAT SECONDS: prints how long it took
    local begin
    begin=$(ms)
    until_true "$2" ping_once "$DEV" "$APP_IP" || fail "$1: no tunnel after $2 s"
    say "$1: the tunnel carries after $(($(ms) - begin)) ms"
}

means "$GW_IP"
daemon dev
wait_log dev "next attempt in .* or when the network changes" 20
sleep 4
daemon gw
again "the gateway comes late" 20

stop gw || fail "culvertd (gw) ended with $?"
wait_log dev "peer deleted the SA"
sleep 3
daemon gw
again "the gateway was restarted" 20

ip -n "$DEV" link set wan down
sleep 5
ip -n "$DEV" link set wan up
again "the network was gone for five seconds" 5

ip -n "$DEV" addr add 10.77.2.77/24 dev wan
ip -n "$DEV" addr del "$DEV_DIRECT_IP/24" dev wan
until_true 5 inns "$DEV" ip -4 addr show dev wan || fail "no address"
ip -n "$DEV" addr show dev wan | grep -q 10.77.2.77 || ip -n "$DEV" addr add 10.77.2.77/24 dev wan
wait_log dev "path changed: now 10.77.2.77"
reaches "$DEV" "$APP_IP" || fail "the device has another address: no ping"

kill_hard gw
ip -n "$GW" addr add "$NEW_GW/24" dev wan
ip -n "$GW" addr del "$GW_IP/24" dev wan
ip -n "$GW" addr show dev wan | grep -q "$NEW_GW" || ip -n "$GW" addr add "$NEW_GW/24" dev wan
means "$NEW_GW"
daemon gw
again "the gateway was killed and its name has another address" 60

# A pool of one address: the second device gets no tunnel, not for its own address either, and
# has one when the first leaves.
stop dev || fail "culvertd (dev) ended with $?"
stop gw || fail "culvertd (gw) ended with $?"
python3 - "$RUN/dev/swanctl.conf" <<'P'
import re, sys
text = open(sys.argv[1]).read()
conn = text[text.index("    platform {"):text.index("secrets {")].rstrip()[:-1]
other = conn.replace("platform", "other").replace("sensor-17", "sensor-18")
open(sys.argv[1], "w").write(text.replace(conn, conn + other))
P
daemon gw
daemon dev
wait_log dev "no Child SA services: .* INTERNAL_ADDRESS_FAILURE"
wait_log dev "next attempt in"
[ "$(grep -c "Child SA services established" "$RUN/gw.log")" -eq 1 ] || fail "two tunnels from a pool of one"
grep -q "=== 10.77.2.77/32" "$RUN/gw.log" && fail "a tunnel for an address that was not given"
first=$(sed -n 's/.*<\(platform\|other\)|[0-9]*> Child SA services established.*/\1/p' "$RUN/dev.log" | head -1)
CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" down "$first" >/dev/null || fail "culvert down $first"
second=$([ "$first" = platform ] && echo other || echo platform)
wait_log dev "<$second\|[0-9]+> Child SA services established" 30

# What waits for its next attempt is called off.
stop gw || fail "culvertd (gw) ended with $?"
wait_log dev "<$second\|[0-9]+> IKE SA .* ended: peer deleted the SA"
CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" down "$second" >"$RUN/down" || fail "culvert down $second"
grep -q "no further attempt is made" "$RUN/down" || fail "not called off: $(cat "$RUN/down")"
tried=$(grep -c "no answer" "$RUN/dev.log")
sleep 8
[ "$(grep -c "no answer" "$RUN/dev.log")" -eq "$tried" ] || fail "tried after it was called off"
pass
