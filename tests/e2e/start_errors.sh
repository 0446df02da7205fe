#!/bin/bash
# A daemon that cannot start says why in one line and exits with an error.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

namespace "$GW"
mkdir -p "$RUN/gw"
: >"$RUN/gw/swanctl.conf"

# refuses REGEX ARGUMENT...
refuses() {
    local want=$1 out status
    shift
    out=$(inns "$GW" timeout 10 "$CULVERTD" "$@" 2>&1)
    status=$?
    [ "$status" -eq 1 ] || fail "culvertd $*: exit $status, not 1: $out"
    grep -qE -- "$want" <<<"$out" || fail "culvertd $*: said \"$out\", not $want"
}

CONF="-c $RUN/gw/swanctl.conf --run-dir $RUN/other"
refuses 'only 1|use 1' $CONF --workers 4
refuses 'xfrm' $CONF --dataplane xfrm
refuses 'expected auto or user' $CONF --dataplane fast
refuses 'unexpected argument "extra"' $CONF extra
refuses 'no-such-file' -c "$RUN/no-such-file" --run-dir "$RUN/other"
refuses '/dev/null' -c "$RUN/gw/swanctl.conf" --run-dir /dev/null/x

printf 'connections {\n  a {\n    remote_adrs = 10.0.0.1\n  }\n}\n' >"$RUN/bad.conf"
refuses 'bad.conf:3: .*remote_adrs.*remote_addrs' -c "$RUN/bad.conf" --run-dir "$RUN/other"

printf 'connections {\n  a {\n    remote_adrs = 10.0.0.1\n  }\n  b {\n  }\n}\n' >"$RUN/bad.conf"
refuses 'bad.conf: 1 errors, nothing of it is loaded' -c "$RUN/bad.conf" --run-dir "$RUN/other"
# With --lenient what is right loads, and what cannot be done yet keeps nothing out at all.
mkdir -p "$RUN/lenient" "$RUN/eap"
cp "$RUN/bad.conf" "$RUN/lenient/swanctl.conf"
printf 'connections {\n  a {\n    remote {\n      auth = eap-radius\n    }\n  }\n  b {\n  }\n}\n' >"$RUN/eap/swanctl.conf"
for side in lenient eap; do
    spawn "$side" "$GW" "$CULVERTD" -c "$RUN/$side/swanctl.conf" --run-dir "$RUN/$side/run" --state-dir "$RUN/$side/state" $([ $side = eap ] || echo --lenient)
    until_true 10 logged "$side" 'culvertd .* ready' || fail "culvertd ($side) does not start"
    logged "$side" 'connection a is refused for its errors; the others of .* are loaded' || fail "$side: nobody says what is left out"
    stop "$side" || fail "culvertd ended with $?"
done

daemon gw
refuses 'another culvertd is running' -c "$RUN/gw/swanctl.conf" --run-dir "$RUN/gw/run"
refuses 'UDP port 500 .*in use' $CONF
alive gw || fail "the first daemon ended"
stop gw || fail "culvertd ended with $?"

inns "$GW" setpriv --bounding-set=-net_admin --inh-caps=-net_admin true 2>/dev/null && {
    out=$(inns "$GW" setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$CULVERTD" $CONF 2>&1) &&
        fail "started without CAP_NET_ADMIN"
    grep -q CAP_NET_ADMIN <<<"$out" || fail "without CAP_NET_ADMIN it said: $out"
}
pass
