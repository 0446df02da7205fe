#!/bin/bash
# Somebody deletes the TUN device under the daemon: it says so and ends with an error, for the
# service manager to start it again, and leaves no rule behind.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

namespace "$GW"
mkdir -p "$RUN/gw"
: >"$RUN/gw/swanctl.conf"
daemon gw
pid=$(pid_of gw)
inns "$GW" ip link del culvert0 || fail "no culvert0"
wait_log gw "culvert0 is gone"
wait "$pid"
[ $? -eq 1 ] || fail "not an error exit"
inns "$GW" ip rule show | grep -q 220 && fail "the routing rule is still there"
daemon gw
stop gw || fail "the next one ended with $?"
pass
