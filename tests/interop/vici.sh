#!/bin/bash
# The same operations over VICI to culvertd and to charon: keys and types of the answers, and what is refused.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/lib-charon.sh"

topology direct
write_conf dev psk
write_conf gw psk
charon gw
mkdir -p "$RUN/empty"
spawn dev "$DEV" "$CULVERTD" -c /dev/null --run-dir "$RUN/dev/run" --state-dir "$RUN/dev/state"
until_true 10 logged dev 'culvertd .* ready' || fail "culvertd does not start"
inns "$DEV" env SWANCTL_DIR="$RUN/dev" "$SWANCTL" --load-all --uri "unix://$RUN/dev/run/vici.sock" >"$RUN/load.log" 2>&1 || { cat "$RUN/load.log"; fail "swanctl --load-all"; }
swanctl dev --initiate --child c >>"$RUN/swanctl.out" || fail "culvertd cannot initiate"
charon_mtu gw
timeout 60 python3 "$(dirname "$0")/vici_compare.py" "$RUN/dev/run/vici.sock" "$RUN/gw/vici" || fail "answers differ"
pass
