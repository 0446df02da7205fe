#!/bin/bash
# The fleet's page in a browser: log in by the one-time link, add a device, join with the bundle that the page shows, watch
# it come up, suspend it, and see the tunnel end.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../page/lib.sh"

why=$(browser_missing) && skip "$why"
playwright "$BUILD/playwright" || skip "playwright-core $PLAYWRIGHT cannot be had from npm"
topology nat

culvert() { # NAMESPACE ARGUMENT...
    local ns=$1
    shift
    inns "$ns" "$CULVERT" "$@"
}

end_device() {
    local pid
    for pid in $(cat "$RUN"/dev/run/culvert/culvertd.pid 2>/dev/null); do stop_pid "$pid"; done
}
AT_EXIT=end_device
mkdir -p "$RUN/dev"

culvert "$GW" init --name gw.example --address "$GW_IP" --pool 10.99.0.0/16 --service "$APP_NET" --dns 10.77.3.53 \
    --root "$RUN/gw" >"$RUN/init.log" 2>&1 || fail "culvert init"
spawn gw "$GW" $(sed -n 's/^  \(.*culvertd .*\)/\1/p' "$RUN/init.log")
spawn fleetd "$GW" $(sed -n 's/^  \(.*culvert-fleetd .*\)/\1/p' "$RUN/init.log")
wait_log gw 'culvertd .* ready'
wait_log fleetd 'culvert-fleetd .* ready'

link=$(culvert "$GW" web link --root "$RUN/gw" 2>/dev/null) || fail "culvert web link"
[[ $link == "https://$GW_IP:8443/login#"* ]] || fail "the link is $link"
spawn page "$GW" node "$ROOT/tests/page/browser.js" "$BUILD/playwright" "https://$GW_IP:8443" "${link#*#}" sensor-17
wait_page() { # WORD: the browser has come so far
    until_true 25 grep -qE "^($1|failed)" "$RUN/page.log"
    grep -q "^$1" "$RUN/page.log" || fail "the page: $(tail -n 1 "$RUN/page.log")"
}
wait_page bundle
culvert "$DEV" join "$(sed -n 's/^bundle //p' "$RUN/page.log")" --root "$RUN/dev" >"$RUN/join.log" 2>&1 || fail "culvert join"
ping_once "$DEV" "$APP_IP" || fail "no ping through the tunnel"
wait_page online
wait_page suspended
wait_page seen
if [ "$(culvert "$GW" status --run-dir "$RUN/gw/run/culvert" --json | grep -c ESTABLISHED)" != 0 ]; then
    fail "the page says that the tunnel is down, the daemon has it"
fi
wait_page done
say "$TEST: $(grep -E '^(online|suspended|seen)' "$RUN/page.log" | tr '\n' ' ')(ms)"

# ---- tokens, over the API ----
token=$(culvert "$GW" api token add ci --root "$RUN/gw" 2>/dev/null) || fail "culvert api token add"
api() { inns "$GW" curl -sk -o "$RUN/answer" -w '%{http_code}' -H "Authorization: Bearer $token" "https://$GW_IP:8443$1"; }
[ "$(api /api/v1/devices/sensor-17)" = 200 ] || fail "the device over the API"
inns "$GW" bash -c "echo nonsense >/dev/udp/$GW_IP/500" # something that fails
counts_it() { [ "$(api /metrics)" = 200 ] && grep -q '^culvert_failures_total{' "$RUN/answer"; }
until_true 5 counts_it || fail "the metrics"
for metric in culvert_traffic_bytes_total culvert_traffic_packets_total culvert_failures_total culvert_ike_sas culvert_ike_sas_half_open; do
    grep -q "^$metric[{ ]" "$RUN/answer" || fail "no $metric with a daemon that runs"
done
grep -q '^culvert_gateway_up 1$' "$RUN/answer" || fail "the daemon is not seen"
culvert "$GW" api token list --root "$RUN/gw" | grep -q '^ci  *read' || fail "culvert api token list"
culvert "$GW" api token revoke ci --root "$RUN/gw" || fail "culvert api token revoke"
[ "$(api /api/v1/devices)" = 401 ] || fail "a revoked token opens the API"
if culvert "$GW" api token revoke ci --root "$RUN/gw" 2>"$RUN/twice.log"; then fail "a token is revoked twice"; fi
grep -q 'there is no token ci' "$RUN/twice.log" || fail "it is not said that there is no such token"
pass
