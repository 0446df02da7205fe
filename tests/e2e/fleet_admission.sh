#!/bin/bash
# The registry decides about devices: who is not in it, suspended or revoked does not come in, a
# tunnel ends within a second of the change, the address for good is the registry's; and without
# the registry tunnels stay, newcomers are refused with the reason, and all is well once it is
# back.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology direct
DB=$RUN/fleet.db
cat >"$RUN/gw/swanctl.conf" <<C
connections {
    devices {
        fleet = yes
        local_addrs = $GW_IP
        pools = fleet
        local {
            auth = psk
            id = gw.example
        }
        remote {
            auth = psk
        }
        children {
            net {
                local_ts = $APP_NET
            }
        }
    }
}
pools {
    fleet {
        addrs = 10.77.20.0/24
    }
}
culvert {
    registry = $DB
    gateway = gw1
}
$(secrets)
C
cat >"$RUN/dev/swanctl.conf" <<C
connections {
    home {
        remote_addrs = $GW_IP
        vips = 0.0.0.0
        dpd_delay = 2s
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
                close_action = start
            }
        }
    }
}
$(secrets)
C

device() { "$CULVERT" device "$@" --registry "$DB"; }
events() { "$CULVERT" events --registry "$DB" --device sensor-17 --json | grep -q "$1"; }
connect() { swanctl dev -i -c net --timeout 3 >/dev/null 2>&1; }
has() { device show sensor-17 --json | grep -q "$1"; }
within() { # MILLISECONDS COMMAND...
    local end=$(($(date +%s%3N) + $1))
    shift
    until "$@"; do [ "$(date +%s%3N)" -lt "$end" ] || return 1; done
}
no_tunnel() { ! ping_once "$DEV" "$APP_IP"; }
daemon gw
daemon dev

# ---- nobody knows it --------------------------------------------------------------------------
connect && fail "a device that nobody knows came in"
wait_log gw "dev.example is not let in: no device of the fleet has this identity"
wait_log dev "AUTHENTICATION_FAILED"

# ---- it comes in, with an address for good ----------------------------------------------------
python3 -c "
import sqlite3
db = sqlite3.connect('$DB')
for pair in ('gateway', 'gw.example:8443'), ('gateway-name', 'gw.example'), ('pin', 43 * 'A'):
    db.execute('INSERT INTO setting (name, value) VALUES (?, ?)', pair)
db.commit()" || fail "cannot write the registry"
device add sensor-17 --identity dev.example --psk >/dev/null || fail "device add"
device move sensor-17 --address 10.77.20.77 >/dev/null || fail "device move"
connect || fail "the device does not come in"
reaches "$DEV" "$APP_IP" || fail "no traffic"
ip -n "$DEV" addr show | grep -q 10.77.20.77 || fail "not the address for good"
until_true 3 events '"kind": *"up"' || fail "no event of the connection"
until_true 3 has '"online": *true' || fail "the registry does not see it"
until_true 8 has '"rx": *[1-9]' || fail "nothing was counted"

# ---- a change is felt within a second ---------------------------------------------------------
device suspend sensor-17 >/dev/null || fail "device suspend"
within 1000 no_tunnel || fail "a suspended device has its tunnel after a second"
wait_log gw "sensor-17: the device was suspended: its tunnel ends now"
until_true 3 has '"online": *false' || fail "the registry still sees it"
connect && fail "a suspended device came in"
wait_log gw "dev.example is not let in: it is suspended"
events '"kind": *"refused"' || until_true 2 events '"kind": *"refused"' || fail "no event of the refusal"
device resume sensor-17 >/dev/null || fail "device resume"
until_true 20 ping_once "$DEV" "$APP_IP" || { connect; reaches "$DEV" "$APP_IP"; } || fail "not back after resume"
device move sensor-17 --address 10.77.20.78 >/dev/null || fail "move"
has_address() { ip -n "$DEV" addr show | grep -q 10.77.20.78; }
until_true 10 has_address || fail "not at its new address"

# ---- the registry is away ---------------------------------------------------------------------
reaches "$DEV" "$APP_IP" || fail "no tunnel before the registry goes"
mv "$DB" "$DB.away"
mkdir "$DB" # so that it cannot be made anew
wait_log gw "the registry is away: .*Tunnels that are up stay"
ping_once "$DEV" "$APP_IP" || fail "the tunnel went with the registry"
inns "$DEV" true && swanctl dev -t -i home --timeout 3 >/dev/null 2>&1
connect && fail "a newcomer came in without a registry"
wait_log gw "dev.example is not let in: the registry cannot be asked"
wait_log dev "TEMPORARY_FAILURE"
rmdir "$DB"
mv "$DB.away" "$DB"
wait_log gw "the registry is there"
connect || { sleep 1; connect; } || fail "not let in once the registry is back"
[ "$(grep -c "the registry is away" "$RUN/gw.log")" = 1 ] || fail "said more than once"

# ---- revoked, and a database that hangs -------------------------------------------------------
reaches "$DEV" "$APP_IP" || fail "no tunnel"
device revoke sensor-17 >/dev/null || fail "device revoke"
within 1000 no_tunnel || fail "a revoked device has its tunnel after a second"
device resume sensor-17 >/dev/null 2>&1 && fail "a revoked device was resumed"
pass
