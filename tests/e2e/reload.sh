#!/bin/bash
# SIGHUP: a new connection appears, a removed one goes with its tunnel, an unchanged one keeps
# its tunnel, so does one with an error; a file that cannot be read changes nothing; a secret that is gone is gone.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology direct
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
daemon gw
daemon dev --lenient
wait_log dev "Child SA net established"
cp "$RUN/dev/swanctl.conf" "$RUN/good.conf"

echo "nonsense {" >>"$RUN/dev/swanctl.conf"
signal dev HUP
wait_log dev "nothing reloaded: .*swanctl.conf:"
ping_once "$DEV" "$APP_IP" || fail "a wrong file broke the tunnel"

sed 's/^connections {/connections {\n    spare {\n        remote_addrs = 192.0.2.1\n        local {\n            auth = psk\n        }\n        remote {\n            auth = psk\n        }\n    }/' "$RUN/good.conf" >"$RUN/dev/swanctl.conf"
signal dev HUP
wait_log dev "reloaded "
logged dev "added connection spare" || fail "the new connection is missing"
logged dev "removed connection home" && fail "the unchanged connection was replaced"
logged dev "Child SA .* closed" && fail "the unchanged connection's tunnel was closed"
ping_once "$DEV" "$APP_IP" || fail "a reload broke the tunnel"

sed 's/^    home {/    old {\n        version = 1\n    }\n    fresh {\n        remote_addrs = 192.0.2.1\n        local {\n            auth = psk\n        }\n        remote {\n            auth = psk\n        }\n    }\n    home {\n        remote_adrs = 192.0.2.1/' "$RUN/good.conf" >"$RUN/dev/swanctl.conf"
signal dev HUP
wait_log dev "added connection fresh"
logged dev "swanctl.conf:[0-9]*: connections.home.remote_adrs: unknown key" || fail "one error is not told"
logged dev "swanctl.conf:[0-9]*: connections.old.version: IKEv1" || fail "the other error is not told"
logged dev "connection home is refused for its errors; the others of .* are loaded" || fail "nobody says what loads"
logged dev "Child SA .* closed" && fail "a slip of the pen ended a tunnel"
ping_once "$DEV" "$APP_IP" || fail "a connection with an error does not stay as it was"
cp "$RUN/good.conf" "$RUN/dev/swanctl.conf"

sed -i "s/local_ts = .*/local_ts = $DEV_INNER_IP\/32, 10.77.11.0\/24/" "$RUN/dev/swanctl.conf"
signal dev HUP
wait_log dev "Child SA net closed: deleted on request"
reaches "$DEV" "$APP_IP" || fail "the changed connection did not come up"

sed -i '/^secrets {/,$d' "$RUN/gw/swanctl.conf"
signal gw HUP
wait_log gw "reloaded "
reaches "$DEV" "$APP_IP" || fail "a tunnel that is up must survive"
sed -i '/children {/,/^        }/d' "$RUN/dev/swanctl.conf"
signal dev HUP
until_true 10 logged gw "ended: peer deleted the SA" || fail "the removed child's tunnel stays"
cp "$RUN/good.conf" "$RUN/dev/swanctl.conf"
signal dev HUP
wait_log gw "authentication of .* failed|no key or secret"
ping_once "$DEV" "$APP_IP" && fail "a removed secret still opens the door"
alive dev && alive gw || fail "a daemon ended"
pass
