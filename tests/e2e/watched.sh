#!/bin/bash
# Somebody else takes away what leads packets into the tunnel, one thing after the other, while
# traffic flows: rule, routes, table, address, link, device, nf_tables.  It is put back within a
# second, the tunnel carries on, and outside nothing is ever seen in the clear.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v nft >/dev/null || skip "no nft"
command -v python3 >/dev/null || skip "no python3"

VIP=10.77.20.1 OTHER_NET=10.77.4.0/24
topology direct
cat >"$RUN/gw/swanctl.conf" <<C
connections {
    devices {
        local_addrs = $GW_IP
        pools = fleet
        local {
            auth = psk
            id = gw.example
        }
        remote {
            auth = psk
            id = dev.example
        }
        children {
            net {
                local_ts = $APP_NET
            }
        }
    }
    sites {
        local_addrs = $GW_IP
        local {
            auth = psk
            id = site-gw.example
        }
        remote {
            auth = psk
            id = site.example
        }
        children {
            site {
                local_ts = $OTHER_NET
                remote_ts = $DEV_INNER_IP/32
            }
        }
    }
}
pools {
    fleet {
        addrs = 10.77.20.0/24
    }
}
secrets {
    ike {
        secret = $PSK
    }
}
C
cat >"$RUN/dev/swanctl.conf" <<C
connections {
    home {
        remote_addrs = $GW_IP
        vips = 0.0.0.0
        local {
            auth = psk
            id = dev.example
        }
        remote {
            auth = psk
            id = gw.example
        }
        children {
            net {
                remote_ts = $APP_NET
                start_action = trap|start
            }
        }
    }
    site {
        remote_addrs = $GW_IP
        local {
            auth = psk
            id = site.example
        }
        remote {
            auth = psk
            id = site-gw.example
        }
        children {
            site {
                local_ts = $DEV_INNER_IP/32
                remote_ts = $OTHER_NET
                start_action = start
            }
        }
    }
}
secrets {
    ike {
        secret = $PSK
    }
}
C
ip -n "$GW" addr add 10.77.4.1/24 dev lan
ip -n "$DEV" route add "$APP_NET" via "$GW_IP"
ip -n "$DEV" route add "$OTHER_NET" via "$GW_IP"
inns "$GW" nft -f - <<N
table ip outside {
    chain clear { type filter hook prerouting priority -300;
        iifname "wan" ip daddr { $APP_NET, $OTHER_NET } counter
    }
}
N
# Two programs that never stop sending, each 200 packets a second.
cat >"$RUN/traffic.py" <<'P'
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if len(sys.argv) > 2:
    s.bind((sys.argv[2], 0))
while True:
    try:
        s.sendto(b"reading", (sys.argv[1], 9000))
    except OSError:
        pass
    time.sleep(0.005)
P
in_clear() { inns "$GW" nft list table ip outside | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
no_leak() { [ "$(in_clear)" -eq 0 ] || fail "$1: $(in_clear) packets in the clear"; }
ms() { python3 -c 'import time; print(int(time.monotonic() * 1000))'; }
# soon WHAT COMMAND...: prints how long it took until that is true, as a shell sees it.
soon() {
    local what=$1 begin end
    shift
    begin=$(ms)
    until "$@" >/dev/null 2>&1; do
        end=$(ms)
        [ $((end - begin)) -lt 5000 ] || fail "$what: not restored"
    done
    say "$what: restored within $(($(ms) - begin)) ms"
}
rule_is_there() { inns "$DEV" ip rule show pref 220 | grep -q "lookup 220"; }
routes_are_there() {
    [ "$(inns "$DEV" ip route show table 220 | grep -c "dev culvert0")" -eq 2 ]
}
address_is_there() { inns "$DEV" ip -4 addr show dev culvert0 | grep -q "$VIP/32"; }
all_is_there() { rule_is_there && address_is_there && routes_are_there; }
carries() {
    reaches "$DEV" "$APP_IP" || fail "$1: no ping to $APP_IP"
    reaches "$DEV" 10.77.4.1 "$DEV_INNER_IP" || fail "$1: no ping to the site"
}
takes_away() { # WHAT COMMAND...
    local what=$1
    shift
    "$@" || fail "$what: $*"
    soon "$what" all_is_there
    carries "$what"
    no_leak "$what"
}

daemon gw
daemon dev
wait_log dev "Child SA net established"
wait_log dev "Child SA site established"
carries "at the start"
no_leak "at the start"
spawn send "$DEV" python3 "$RUN/traffic.py" "$APP_IP"
spawn send-site "$DEV" python3 "$RUN/traffic.py" 10.77.4.1 "$DEV_INNER_IP"

spawn rules "$DEV" ip -ts -o monitor rule
sleep 0.3
takes_away "ip rule del pref 220" inns "$DEV" ip rule del pref 220
wait_log dev "rules: restored"
python3 - "$RUN/rules.log" <<'P' >&2 || fail "no news of the rule: $(cat "$RUN/rules.log")"
import datetime, re, sys
at = {}
for line in open(sys.argv[1]):
    m = re.match(r"\[(\S+)\] (Deleted )?220:", line)
    if m:
        at.setdefault(bool(m[2]), datetime.datetime.fromisoformat(m[1]))
print("rule 220 is back %d us after it went, by the kernel's own clock"
      % ((at[False] - at[True]).total_seconds() * 1e6))
P
takes_away "foreign rules flushed" inns "$DEV" sh -c "ip rule flush && ip rule add pref 32766 lookup main && ip rule add pref 32767 lookup default"
takes_away "one route" inns "$DEV" ip route del "$APP_NET" table 220
takes_away "the other route" inns "$DEV" ip route del "$OTHER_NET" table 220
takes_away "route replaced" inns "$DEV" ip route replace "$OTHER_NET" via "$GW_IP" table 220
takes_away "table 220 flushed" inns "$DEV" ip route flush table 220
takes_away "address" inns "$DEV" ip addr del "$VIP/32" dev culvert0
takes_away "link down" inns "$DEV" ip link set culvert0 down
takes_away "MTU" inns "$DEV" ip link set culvert0 mtu 1200
takes_away "device deleted" inns "$DEV" ip link del culvert0
inns "$DEV" ip link show culvert0 | grep -q "mtu 1400" || fail "the device is not as it was"
for table in culvert0-guard culvert0; do
    inns "$DEV" nft delete table inet "$table" 2>/dev/null && fail "anybody can delete $table"
done
takes_away "nft flush ruleset" inns "$DEV" nft flush ruleset
inns "$DEV" nft list table inet culvert0-guard | grep -q 10.77.3.0 || fail "no guard"
takes_away "a SIGHUP changes nothing" signal dev HUP

# All at once, and again and again.
for _ in 1 2 3 4 5; do
    inns "$DEV" ip rule del pref 220 2>/dev/null
    inns "$DEV" ip route flush table 220
    inns "$DEV" ip link set culvert0 down 2>/dev/null
    sleep 0.1
done
takes_away "all of it, five times" true

# The last virtual address goes, the kernel drops every route of the device, and the trap and
# the other connection hold what is theirs.
CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" down home >/dev/null 2>&1
until_true 5 routes_are_there || fail "routes after culvert down: $(inns "$DEV" ip route show table 220)"
sleep 0.5
no_leak "culvert down"
kill_hard send
kill_hard send-site
carries "after culvert down"
no_leak "at the end"
CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" status --json >"$RUN/status.json" 2>/dev/null
stop dev || fail "culvertd (dev) ended with $?"
inns "$DEV" ip rule show | grep -q 220 && fail "the rule outlives the daemon"
inns "$DEV" nft list tables | grep -q culvert && fail "a table outlives the daemon"
pass
