#!/bin/bash
# A file of 5,000 connections: the daemon has them all within a bounded time, one of the last lets its
# device in, and a reload that takes one away leaves the others as they are.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
MANY=5000

topology direct
device_conf
{
    echo "connections {"
    for ((i = 1; i <= MANY; i++)); do
        id=device-$i.example
        [ $i = $((MANY - 1)) ] && id=dev.example
        echo "c$i { version=2
local_addrs=$GW_IP
local { auth=psk
id=gw.example
}
remote { auth=psk
id=$id
}
children { net$i { local_ts=$APP_NET
remote_ts=$DEV_INNER_IP/32
} } }"
    done
    echo "}"
    secrets
} >"$RUN/gw/swanctl.conf"

start=$(date +%s%N)
daemon gw
took=$((($(date +%s%N) - start) / 1000000))
say "$MANY connections are loaded after $took ms"
[ $took -lt 15000 ] || fail "loading takes $took ms"
[ "$(grep -c "added connection" "$RUN/gw.log")" = $MANY ] || fail "$(grep -c "added connection" "$RUN/gw.log") were added"
daemon dev
inns "$DEV" "$CULVERT" up net --run-dir "$RUN/dev/run" >"$RUN/up.log" 2>&1 || fail "no tunnel: $(cat "$RUN/up.log")"
reaches "$DEV" "$APP_IP" || fail "no ping"
wait_log gw "<c$((MANY - 1))\|[0-9]+> Child SA net$((MANY - 1)) established"
sed -i "/^c7 {/,/} } }/d" "$RUN/gw/swanctl.conf"
start=$(date +%s%N)
kill -HUP "$(pid_of gw)"
wait_log gw "removed connection c7"
took=$((($(date +%s%N) - start) / 1000000))
say "reloaded after $took ms"
[ $took -lt 15000 ] || fail "a reload takes $took ms"
[ "$(grep -c "removed connection" "$RUN/gw.log")" = 1 ] || fail "the reload removed others"
reaches "$DEV" "$APP_IP" || fail "no ping after the reload"
pass
