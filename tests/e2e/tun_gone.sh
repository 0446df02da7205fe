#!/bin/bash
# Somebody deletes the TUN device under the daemon: it makes another.  When something else has
# its name by then, it says so and ends with an error, for the service manager to start it
# again, and leaves no rule behind.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

namespace "$GW"
mkdir -p "$RUN/gw"
: >"$RUN/gw/swanctl.conf"
daemon gw
pid=$(pid_of gw)
inns "$GW" ip link del culvert0 || fail "no culvert0"
wait_log gw "device: restored"
inns "$GW" ip link show culvert0 | grep -q ",UP" || fail "the device is not up again"
# The daemon is quick: somebody else has to be quicker for once.
takes_name() { printf 'link del culvert0\nlink add culvert0 type veth peer name other\n' | inns "$GW" ip -batch - 2>/dev/null; }
until_true 20 takes_name || fail "nobody else got the name"
wait_log gw "device: cannot be restored"
wait_log gw "without culvert0 nothing works"
wait "$pid"
[ $? -eq 1 ] || fail "not an error exit"
inns "$GW" ip rule show | grep -q 220 && fail "the routing rule is still there"
inns "$GW" ip link del culvert0
daemon gw
stop gw || fail "the next one ended with $?"
pass
