#!/bin/bash
# A flood of first messages from addresses that are only claimed, half of them with 150 junk
# transforms: an established ping loses nothing, a newcomer gets in, and the gateway's memory
# stays what it is.  Times are printed and prove nothing.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
"${CC:-cc}" -std=gnu17 -O2 -o "$RUN/flooder" "$E2E_DIR/flooder.c" || skip "no compiler"
RATE=5000 SECONDS_LONG=10

topology direct
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping"
inns "$GW" ip route add 203.0.113.0/24 via "$DEV_DIRECT_IP" # where answers go, and are dropped

rss() { awk '/^VmRSS/ {print $2}' "/proc/$(pid_of gw)/status"; }
flood() { # NAME
    spawn "$1" "$DEV" "$RUN/flooder" "$GW_IP" $RATE $SECONDS_LONG
}

culvert() { CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" "$@"; }

flood first
inns "$DEV" ping -q -i 0.05 -c 100 -W 2 -I "$DEV_INNER_IP" "$APP_IP" >"$RUN/ping.log" || true
grep -q ' 0% packet loss' "$RUN/ping.log" || fail "an established ping lost packets: $(cat "$RUN/ping.log")"
wait "$(pid_of first)" || fail "the flood itself"
wait_log gw "asking new peers for cookies"
early=$(rss)

flood second
culvert down home >"$RUN/down.log" 2>&1 || fail "no way down: $(cat "$RUN/down.log")"
start=$(date +%s%N)
culvert up net >"$RUN/up.log" 2>&1 || fail "a newcomer does not get in: $(cat "$RUN/up.log")"
say "a newcomer is in after $((($(date +%s%N) - start) / 1000000)) ms, beside $RATE forged messages a second"
reaches "$DEV" "$APP_IP" || fail "the newcomer has no ping"
wait "$(pid_of second)" || fail "the flood itself"
late=$(rss)
say "memory: $early kB after the first flood, $late kB after the second"
[ $((late - early)) -le 2048 ] || fail "the gateway grew by $((late - early)) kB"
pass
