#!/bin/bash
# What was protected when the daemon goes, however it goes, and when the peer ends the tunnel:
# with on_exit = block it stays here until a tunnel takes it, over restarts, too, or until
# culvertd --unblock; by default it takes the host's other routes.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v nft >/dev/null || skip "no nft"

topology direct
ip -n "$DEV" route add "$APP_NET" via "$GW_IP"
ip -n "$APP" route add "$DEV_INNER_IP/32" via "$GW_LAN_IP"
ip -n "$GW" route add "$DEV_INNER_IP/32" via "$DEV_DIRECT_IP"
inns "$GW" nft -f - <<N
table ip outside {
    chain clear { type filter hook prerouting priority -300;
        iifname "wan" ip daddr $APP_NET counter
    }
}
N
in_clear() { inns "$GW" nft list table ip outside | sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
blocked() { # WHEN: nothing gets out
    local before
    before=$(in_clear)
    inns "$DEV" ping -c3 -i0.1 -W1 -q -I "$DEV_INNER_IP" "$APP_IP" >/dev/null 2>&1 && fail "$1: an answer"
    [ "$(in_clear)" -eq "$before" ] || fail "$1: packets in the clear"
    say "$1: blocked"
}
passes() { # WHEN: in the clear
    local before
    before=$(in_clear)
    inns "$DEV" ping -c3 -i0.1 -W1 -q -I "$DEV_INNER_IP" "$APP_IP" >/dev/null 2>&1
    [ "$(in_clear)" -eq $((before + 3)) ] || fail "$1: nothing gets out"
    say "$1: passes"
}
settings() { printf 'culvert {\n    on_exit = %s\n    retransmit_timeout = 0.3\n}\n' "$1" >>"$RUN/dev/swanctl.conf"; }
tunnel() { # both are up and the tunnel carries
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    reaches "$DEV" "$APP_IP" "$DEV_INNER_IP" || fail "no ping through the tunnel"
}
gateway_conf

# ---- pass, the default ----
CHILD_EXTRA="start_action = start" device_conf
settings pass
tunnel
before=$(in_clear)
kill_hard dev
inns "$DEV" nft list tables | grep -q culvert && fail "pass: a table outlives the daemon"
passes "pass, killed"
stop gw

# ---- block ----
CHILD_EXTRA="start_action = start" device_conf
settings block
passes "block, before the first start"
tunnel
before=$(in_clear)
kill_hard dev
blocked "block, killed"
kill_hard gw
daemon dev
wait_log dev "1 networks stay blocked until a tunnel takes them"
blocked "block, started again without a peer"
daemon gw
wait_log dev "Child SA net established" 30
reaches "$DEV" "$APP_IP" "$DEV_INNER_IP" || fail "the tunnel does not take what was blocked"
[ "$(in_clear)" -eq "$before" ] || fail "packets in the clear"
stop gw || fail "culvertd (gw) ended with $?"
wait_log dev "peer deleted the SA"
blocked "block, the peer has ended the tunnel"
inns "$DEV" "$CULVERTD" --unblock culvert0
inns "$DEV" sh -c 'until nft list table inet culvert0-guard >/dev/null 2>&1; do sleep 0.1; done'
blocked "block, the table deleted under a daemon that runs"
stop dev || fail "culvertd (dev) ended with $?"
blocked "block, stopped"
inns "$DEV" "$CULVERTD" --unblock culvert0 || fail "--unblock"
passes "after --unblock"
inns "$DEV" "$CULVERTD" --unblock culvert0 2>"$RUN/unblock" && fail "--unblock of nothing"
grep -q "nothing is blocked there" "$RUN/unblock" || fail "$(cat "$RUN/unblock")"

# ---- a start with pass takes away what one with block has left ----
tunnel
kill_hard dev
stop gw
blocked "block, killed once more"
CHILD_EXTRA="start_action = none" device_conf
settings pass
daemon dev
passes "started with pass"
stop dev
pass
