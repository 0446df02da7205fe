#!/bin/bash
# The registry from the command line: verbs, exit codes, backup and restore, a full disk; and events
# on their way to a webhook that is away, then answers, with a signature that another program
# checks.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

DB=$RUN/fleet.db
namespace "$GW"
fleet() { "$CULVERT" "$@" --registry "$DB"; }
expect() { # CODE COMMAND...
    local code=$1
    shift
    "$@" >"$RUN/out.log" 2>&1
    [ $? = "$code" ] || { cat "$RUN/out.log"; fail "$*: not exit code $code"; }
}
says() { grep -qE -- "$1" "$RUN/out.log" || { cat "$RUN/out.log"; fail "it does not say: $1"; }; }
devices() { # COMMANDS IN PYTHON on r
    python3 - "$DB" <<P
import sqlite3, sys
r = sqlite3.connect(sys.argv[1], timeout=5)
$1
r.commit()
P
}

# ---- verbs and their exit codes ---------------------------------------------------------------
expect 4 fleet device list
expect 0 fleet profile add meter --notes "smart meters"
devices "
for i in range(1, 41):
    r.execute('INSERT INTO device VALUES (?, ?, ?, ?, ?, 0, ?, 0, ?, NULL, ?, ?, ?, 1, 1)',
              (i, 's-%02d' % i, 's-%02d.fleet' % i, '', 'meter', '', '10.9.0.%d' % i, '', 'roof' if i % 2 else '', ''))
r.execute(\"INSERT INTO counter VALUES ('device', 40) ON CONFLICT (name) DO UPDATE SET value = 40\")"
expect 0 fleet device list --tag roof --count
says '^20$'
expect 0 fleet device list "0.9" --prefix s-0 --json
expect 0 fleet device list --state never-seen --limit 3
says '^s-03 '
expect 2 fleet device list --state asleep
expect 4 fleet device show s-99
says "no device 's-99'"
expect 0 fleet device suspend s-01 s-02
expect 4 fleet device suspend s-03 s-99
expect 0 fleet device list --state suspended --count
says '^3$'
expect 1 fleet device rename s-01 s-02
expect 0 fleet device rename s-01 first
expect 0 fleet device show first
says 'identity +s-01.fleet'
says 's-01 is first now, by '
expect 4 fleet device move first --profile nothing
says 'culvert profile add nothing'
expect 1 fleet device move first --address 10.9.0.2
expect 0 fleet device revoke first
expect 1 fleet device resume first
says 'revoked, which is for good'
expect 1 fleet device remove s-02
expect 0 fleet device remove first
expect 0 fleet events --kind revoked
says 'revoked by '
expect 4 fleet events --kind tamper
expect 0 fleet profile show meter
says '39 devices'
expect 1 fleet profile remove meter
expect 2 fleet device frobnicate
expect 5 "$CULVERT" device list --registry "$RUN/no/such/place.db"

# ---- backup and restore -----------------------------------------------------------------------
expect 0 fleet backup "$RUN/backup.db"
[ "$(stat -c %a "$RUN/backup.db")" = 600 ] || fail "others can read the backup"
expect 0 fleet device suspend s-10
expect 0 fleet restore "$RUN/backup.db"
expect 0 fleet device list --state suspended --count
says '^2$'
expect 0 "$CULVERT" device list --state suspended --count --registry "$DB.before"
says '^3$'
echo "no registry" >"$RUN/nonsense.db"
expect 1 fleet restore "$RUN/nonsense.db"
expect 0 fleet device list --count
says '^39$'
python3 - "$RUN/backup.db" <<'P' # of a newer version
import sqlite3, sys
r = sqlite3.connect(sys.argv[1])
r.execute("UPDATE counter SET value = 99 WHERE name = 'schema'")
r.commit()
P
expect 1 fleet restore "$RUN/backup.db"
says 'newer version'
expect 1 "$CULVERT" device list --registry "$RUN/backup.db"
says 'left alone'

# ---- a damaged file, and a full disk ----------------------------------------------------------
cp "$DB" "$RUN/broken.db"
dd if=/dev/urandom of="$RUN/broken.db" bs=100 seek=1 count=400 conv=notrunc 2>/dev/null
expect 1 "$CULVERT" device list --registry "$RUN/broken.db"
says 'damaged: restore a backup'
mkdir "$RUN/small"
inns "$GW" sh -c "mount -t tmpfs -o size=400k tmpfs $RUN/small && cp $DB $RUN/small/fleet.db &&
    head -c 1000000 /dev/zero >$RUN/small/filler 2>/dev/null
    $CULVERT device suspend s-20 --registry $RUN/small/fleet.db 2>$RUN/out.log; echo code \$? >>$RUN/out.log
    rm -f $RUN/small/filler
    $CULVERT device list --count --registry $RUN/small/fleet.db >>$RUN/out.log 2>&1
    $CULVERT device suspend s-20 --registry $RUN/small/fleet.db >>$RUN/out.log 2>&1; echo then \$? >>$RUN/out.log"
says '^code 5$'
says '^39$'
says '^then 0$'

# ---- a webhook --------------------------------------------------------------------------------
cat >"$RUN/receiver.py" <<'P'
import hashlib, hmac, http.server, json, sys, time
secret = sys.argv[1].encode()
begin = time.time()
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        t, v1 = (part.split("=")[1] for part in self.headers["Culvert-Signature"].split(","))
        good = hmac.new(secret, t.encode() + b"." + body, hashlib.sha256).hexdigest() == v1
        fine = good and time.time() > begin + 1.5 # at first it is not willing
        if fine:
            for event in json.loads(body)["events"]:
                print("event", event["seq"], event["kind"], event["device"], flush=True)
        elif not good:
            print("bad signature", flush=True)
        self.send_response(204 if fine else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", 8009), Receiver).serve_forever()
P
SECRET=$(fleet webhook add ops http://127.0.0.1:8009/hook --severity notice) || fail "webhook add"
expect 1 fleet webhook add bad file:///etc/passwd
fleet device suspend s-11
spawn hooks "$GW" "$BUILD/tests/hooks_alone" "$DB"
fleet device suspend s-12
in_vain() { fleet webhook list | grep -q "in vain"; }
until_true 5 in_vain || fail "nobody says that the webhook does not answer"
spawn receiver "$GW" python3 "$RUN/receiver.py" "$SECRET"
got() { grep -q "event .* suspended $1" "$RUN/receiver.log"; }
until_true 15 got s-12 || fail "the webhook was not told"
fleet device suspend s-13
until_true 5 got s-13 || fail "the webhook was not told of what came later"
[ "$(grep -c '^event' "$RUN/receiver.log")" = "$(grep '^event' "$RUN/receiver.log" | sort -un -k2 | wc -l)" ] ||
    fail "told more than once"
grep '^event' "$RUN/receiver.log" | sort -c -n -k2 || fail "not in order"
grep -q "bad signature" "$RUN/receiver.log" && fail "a signature was wrong"

# ---- as they come -----------------------------------------------------------------------------
spawn follow "$GW" "$CULVERT" events --follow --limit 1 --json --registry "$DB"
until_true 3 logged follow suspended || fail "nothing of the past"
fleet device resume s-13
until_true 2 logged follow '"kind": *"resumed"' || fail "nothing of what comes"
pass
