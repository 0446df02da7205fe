#!/bin/bash
# What the gateway knows of its devices outlives it: each has its address again after kill -9, whoever
# comes back first; and a disk that is full, read-only, damaged or of a newer version stops no traffic.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

DISK=$RUN/gw/state
drop_disk() { umount "$DISK" 2>/dev/null; }
AT_EXIT='drop_disk'

topology direct
cat >"$RUN/gw/swanctl.conf" <<C
connections {
    devices {
        local_addrs = $GW_IP
        pools = fleet
        unique = replace
        local {
            auth = psk
            id = gw.example
        }
        remote {
            auth = psk
            id = *.dev.example
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
secrets {
    ike-1 {
        secret = $PSK
    }
}
C
device() { # NAME
    cat <<C
    $1 {
        remote_addrs = $GW_IP
        vips = 0.0.0.0
        local {
            auth = psk
            id = $1.dev.example
        }
        remote {
            auth = psk
            id = gw.example
        }
        children {
            $1-net {
                remote_ts = $APP_NET
            }
        }
    }
C
}
{
    echo "connections {"
    for name in ann bob cid; do device $name; done
    echo "}"
    echo "secrets {"
    echo "    ike-1 {"
    echo "        secret = $PSK"
    echo "    }"
    echo "}"
} >"$RUN/dev/swanctl.conf"

cv() { CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" "$@"; }
# has NAME ADDRESS: connects and is given that one.
has() {
    cv up "$1" --timeout 20 >>"$RUN/up.log" 2>&1 || fail "$1 does not come up: $(tail -n 3 "$RUN/up.log")"
    inns "$GW" "$CULVERT" status --json --run-dir "$RUN/gw/run" | python3 -c "import json, sys
sas = [s for s in json.load(sys.stdin)['sas'] if s['remote-id'] == '$1.dev.example' and s['state'] == 'ESTABLISHED']
sys.exit(0 if ['$2'] in [s.get('remote-vips') for s in sas] else 1)" || fail "$1 has another address than $2"
}
gone() { cv down "$1" --force >>"$RUN/up.log" 2>&1; }
all_gone() { for name in ann bob cid; do gone $name; done; }

# ---- its address, after any restart ----
daemon gw
daemon dev
has ann 10.77.20.1
has bob 10.77.20.2
has cid 10.77.20.3
inns "$DEV" ping -c1 -W2 -q -I 10.77.20.1 "$APP_IP" >/dev/null || fail "no ping"
for order in "cid bob ann" "bob cid ann" "ann cid bob" "cid ann bob" "bob ann cid"; do
    kill_hard gw
    all_gone
    daemon gw
    for name in $order; do
        case $name in ann) has ann 10.77.20.1 ;; bob) has bob 10.77.20.2 ;; cid) has cid 10.77.20.3 ;; esac
    done
done
# Killed at once after an address was given, with nobody else to remember it.
for i in 1 2 3; do
    stop gw || fail "culvertd (gw) ended with $?"
    all_gone
    daemon gw
    has cid 10.77.20.3
    kill_hard gw
    daemon gw
done
logged gw "state: 3 leases of $RUN/gw/state" || fail "nothing is said of the leases"
stop gw || fail "culvertd (gw) ended with $?"
all_gone

# ---- a newer database, and a damaged one ----
cp "$DISK/culvert.db" "$RUN/good.db"
python3 - "$DISK/culvert.db" <<'P'
import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version = 7")
P
daemon gw
logged gw "is of a newer culvertd \(schema 7, this one knows 1\)" || fail "a newer database is not told"
has bob 10.77.20.1
stop gw || fail "culvertd (gw) ended with $?"
all_gone
printf 'damage' | dd of="$DISK/culvert.db" conv=notrunc status=none
daemon gw
logged gw "is damaged .*put aside as culvert.db.damaged" || fail "a damaged database is not told"
[ -e "$DISK/culvert.db.damaged" ] || fail "it is not put aside"
has bob 10.77.20.1
all_gone
kill_hard gw

# ---- a disk that is full, and one that is read-only ----
rm -rf "$DISK"
mkdir "$DISK"
mount -t tmpfs -o size=256k,mode=700 tmpfs "$DISK" || skip "no tmpfs"
daemon gw
has ann 10.77.20.1
dd if=/dev/zero of="$DISK/filler" bs=4k status=none 2>/dev/null
for name in bob cid; do cv up $name --timeout 20 >>"$RUN/up.log" 2>&1 || fail "$name does not come up on a full disk"; done
for i in $(seq 30); do # rows are small: it takes some to need another page
    gone bob
    cv up bob --timeout 20 >>"$RUN/up.log" 2>&1 || fail "bob does not come up on a full disk"
    logged gw "state: .*full; make room there" && break
done
logged gw "state: .*full; make room there" || fail "a full disk is not told"
inns "$DEV" ping -c1 -W2 -q -I 10.77.20.1 "$APP_IP" >/dev/null || fail "a full disk stops traffic"
[ "$(grep -c 'state: .*make room' "$RUN/gw.log")" = 1 ] || fail "a full disk is told more than once"
rm "$DISK/filler"
wait_log gw "state: the database can be written again" 40
kill_hard gw
all_gone
mount -o remount,ro "$DISK" || fail "remount"
daemon gw
logged gw "state: .*culvert.db: .*make it writable" || fail "a read-only disk is not told"
has cid 10.77.20.3
has bob 10.77.20.2
has ann 10.77.20.1
mount -o remount,rw "$DISK" || fail "remount"
nsenter -t "$(pid_of gw)" -m mount -o remount,rw "$DISK" || fail "remount" # it sees a mount of its own
wait_log gw "state: the database can be written again" 40
pass
