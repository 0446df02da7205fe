#!/bin/bash
# culvert.user: after the start the daemon is that user with two capabilities and still makes
# tunnels, routes and updown calls.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
id nobody >/dev/null 2>&1 || skip "no user nobody"

topology direct
chmod 755 "$RUN"
CHILD_EXTRA="updown = ip link show culvert0 >/dev/null && grep CapEff /proc/self/status" gateway_conf
CHILD_EXTRA="start_action = start" device_conf
printf 'culvert {\n    user = nobody\n}\n' >>"$RUN/gw/swanctl.conf"
daemon gw
daemon dev
wait_log gw "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping"
status=/proc/$(pid_of gw)/status
grep -q "^Uid:.*$(id -u nobody)" "$status" || fail "still root"
grep -q "^CapEff:.*0000003000" "$status" || fail "$(grep Cap "$status")"
grep -q "^NoNewPrivs:.*1" "$status" || fail "no_new_privs is off"
# Capabilities and no_new_privs are a thread's own: the ones that make signatures have no more.
[ "$(ls "/proc/$(pid_of gw)/task" | wc -l)" -ge 2 ] || fail "no thread makes signatures"
for task in "/proc/$(pid_of gw)/task"/*/status; do
    [ "$(grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' "$task")" = \
        "$(grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' "$status")" ] || fail "$task: $(cat "$task")"
done
wait_log gw "updown: CapEff:.*0000003000"
swanctl gw --list-sas | grep -q INSTALLED || fail "root cannot reach the control socket"
[ "$(stat -c %U:%a "$RUN/gw/state/culvert.db")" = nobody:600 ] || fail "$(ls -l "$RUN/gw/state")"
logged gw "state: .*" && fail "the state directory is not the user's"
stop gw || fail "culvertd ended with $?"
inns "$GW" ip rule show | grep -q 220 && fail "the routing rule is still there"
[ -e "$RUN/gw/run/vici.sock" ] && fail "the control socket is still there"
pass
