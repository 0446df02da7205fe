#!/bin/bash
# The culvert command: what it shows, what it starts and ends, what its exit codes say.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
[ -x "$CULVERT" ] || skip "no culvert at $CULVERT"

# cv CODE WORD...: runs it on the device and expects that exit code; output in $OUT.
cv() {
    local expected=$1 status
    shift
    OUT=$(CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" "$@" 2>&1)
    status=$?
    [ $status = "$expected" ] || fail "culvert $*: exit $status instead of $expected: $OUT"
}
says() { grep -qE -- "$1" <<<"$OUT" || fail "expected '$1' in: $OUT"; }
json() { # PYTHON EXPRESSION over j
    command -v python3 >/dev/null || return 0
    python3 -c "import json, sys
j = json.load(sys.stdin)
sys.exit(0 if $1 else 1)" <<<"$OUT" || fail "not so: $1 in: $OUT"
}

topology nat
gateway_conf
device_conf

cv 3 status
says "culvertd is not running: nobody answers at $RUN/dev/run/vici.sock"
says "systemctl start culvertd"
cv 3 up net
cv 0 version
says "^culvert [0-9]"
cv 0 --version
says "^culvert [0-9]"
cv 0 help
says "usage: culvert"
for command in status up down log packet version; do
    cv 0 $command --help
    says "^usage: culvert $command"
    cv 0 help $command
    says "^usage: culvert $command"
done
cv 2 up net --down
says "culvert up does not take --down"
cv 2 status --sort colour
says "takes name, identity"
cv 2
cv 2 up
cv 2 status home net
cv 2 frobnicate
cv 2 status --frobnicate
cv 2 up net --timeout soon

daemon gw
daemon dev
cv 0 version
says "^culvertd [0-9]"
cv 0 version --json
json 'j["daemon"]["daemon"] == "culvertd"'

cv 0 status
says "^home +gw.example +$GW_IP +down +- +-"
cv 0 status -v
says "net +down +$DEV_INNER_IP/32 === $APP_NET"
cv 0 status --down
says "^home .* down "
cv 1 up nope
says "no connection and no child is named 'nope'"
cv 1 up home/nope
cv 0 up home
says "home/net is up"
cv 0 up net
cv 0 up home/net
reaches "$DEV" "$APP_IP" "$DEV_INNER_IP" || fail "no ping"

cv 0 status
says "^culvertd [0-9.]+, running .*, 1 IKE SA$"
says "^NAME +IDENTITY +ADDRESS +STATE +SINCE +SEEN +IN +OUT +DROPS$"
says "^home +gw.example +$GW_IP +up +[0-9]+s +[0-9]+s +[0-9.]+ k?B +[0-9.]+ k?B +0$"
for name in home net home/net; do
    cv 0 status $name
    says "^home .* up "
    cv 0 status -v $name
    says "^#[0-9]+ home: ESTABLISHED"
done
for name in nope home/nope away/net; do
    cv 1 status $name
    says "no connection and no child is named '$name'"
    cv 1 status --json $name
done
for peer in gw.exam GW.EXAMPLE 'gw*' $GW_IP home; do
    cv 0 status --peer "$peer"
    says "^home "
done
cv 0 status --peer dev.example
says "No such peers"
cv 0 status --down
says "Nobody is down"
cv 0 status --json --down
json 'j["sas"] == [] and j["connections"] == []'
cv 0 status --json --peer gw.example
json 'len(j["sas"]) == 1 and len(j["connections"]) == 1'
cv 0 status --json --peer somebody
json 'j["sas"] == [] and j["connections"] == []'
cv 0 version --json-lines
json 'j["daemon"]["daemon"] == "culvertd"'
cv 0 status --json-lines
json 'j["name"] == "home" and j["identity"] == "gw.example" and j["up"] is True and j["port"] == 4500'
json 'j["bytes-in"] > 0 and j["drops"] == 0 and j["children"] == ["net"]'
json '__import__("datetime").datetime.strptime(j["since"], "%Y-%m-%dT%H:%M:%SZ").year > 2000'
json 'j["last-seen"] >= j["since"]'
spawn watch "$DEV" "$CULVERT" status --watch=1 --run-dir "$RUN/dev/run"
until_true 10 eval '[ "$(grep -c "^home .* up" "$RUN/watch.log")" -ge 2 ]' || fail "--watch shows once"

cv 0 status -v
says "net +up "
says "^#[0-9]+ home: ESTABLISHED, .*we are behind NAT"
says "dev.example \($DEV_IP port 4500\) -> gw.example \($GW_IP port 4500\)"
says "AES_GCM_16-128/PRF_HMAC_SHA2_256/CURVE_25519, rekey in "
says "net #[0-9]+: INSTALLED, ESP TUNNEL in UDP"
says "in +SPI [0-9a-f]{8} +[0-9.]+ k?B in [1-9][0-9]* packets?, last [0-9]+s ago"
cv 0 status --json
json 'j["ikesas"]["total"] == 1 and j["connections"][0]["children"][0]["up"] is True'
json 'j["sas"][0]["connection"] == "home" and j["sas"][0]["initiator"] is True'
json 'j["sas"][0]["child-sas"][0]["packets-in"] > 0'
json "j['sas'][0]['child-sas'][0]['remote-ts'] == ['$APP_NET']"
json 'j["sas"][0]["established-at"].endswith("Z") and j["sas"][0]["rekey-at"] > j["sas"][0]["established-at"]'
json 'j["sas"][0]["child-sas"][0]["last-in-at"] >= j["uptime"]["since"]'
json 'j["uptime"]["seconds"] < 600 and j["lifetime"]["starts"] == 1 and j["traffic"]["packets-in"] > 0'

cv 0 log --no-follow
says "^[A-Z][a-z]{2} [ 0-9:]+ \[IKE\] <home\|[0-9]+> IKE SA established"
cv 0 log --no-follow --json
OUT=$(head -n 1 <<<"$OUT")
json 'j["level"] <= 1 and j["time"].endswith("Z") and len(j["msg"]) > 0'
spawn follow "$DEV" "$CULVERT" log --run-dir "$RUN/dev/run"

cv 0 down net
says "net is down: 1 ended"
until_true 5 logged follow "Child SA net closed" || fail "log does not follow"
cv 0 down net
says "net is down already"
cv 0 status
says "^home .* no child "
cv 0 status --down
says "^home .* no child "
cv 0 status -v
says "net +down "
id=$(sed -n 's/^#\([0-9]*\) home: ESTABLISHED.*/\1/p' <<<"$OUT")
cv 1 down "#4000000000"
cv 0 down "#$id"
cv 0 down home
says "home is down already"
cv 0 status --json
json 'j["sas"] == []'

# A peer that does not answer: the time-out is an error and says which.
kill_hard gw
cv 1 up net --timeout 1
says "home/net: CHILD_SA 'net' not established after 1000ms"
cv 0 down home --force
stop dev
cv 3 down home
pass
