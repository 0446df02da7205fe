#!/bin/bash
# The five minutes of docs/fleet.md: a gateway is set up, a device behind two NATs joins it with one
# line, reaches what is behind it, is reached from there, and is open to nobody else.  Then its
# certificate is renewed through the tunnel, and another device enrols with curl and openssl.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

FLEETD=${FLEETD:-$BUILD/culvert-fleetd}
[ -x "$FLEETD" ] || skip "no culvert-fleetd at $FLEETD"
SERVICES=$ROOT/examples/fleet/services.py
CGN=$P-cgn
DNS_IP=10.77.3.53

# dev 10.77.0.2 -- 10.77.0.1 home 10.77.1.1 -- 10.77.1.254 carrier 10.77.2.1 -- 10.77.2.2 gw 10.77.3.1 -- app
two_nats() {
    local ns
    for ns in "$DEV" "$NAT" "$CGN" "$GW" "$APP"; do namespace "$ns"; done
    veth "$DEV" wan 10.77.0.2 "$NAT" in 10.77.0.1
    veth "$NAT" out 10.77.1.1 "$CGN" in 10.77.1.254
    veth "$CGN" out 10.77.2.1 "$GW" wan "$GW_IP"
    veth "$GW" lan "$GW_LAN_IP" "$APP" lan "$APP_IP"
    ip -n "$APP" addr add "$DNS_IP/24" dev lan
    ip -n "$DEV" route add default via 10.77.0.1
    ip -n "$NAT" route add default via 10.77.1.254
    ip -n "$APP" route add default via "$GW_LAN_IP"
    nat_rules || skip "no nftables NAT"
    NAT=$CGN nat_rules
}

culvert() { # NAMESPACE ARGUMENT...
    local ns=$1
    shift
    inns "$ns" "$CULVERT" "$@"
}

gateway() { # OPTION...: set up, and started by the lines that init prints
    culvert "$GW" init --name gw.example --address "$GW_IP" --pool 10.99.0.0/16 --service "$APP_NET" \
        --dns "$DNS_IP" --root "$RUN/gw" "$@" >"$RUN/init.log" 2>&1 || fail "culvert init"
    spawn gw "$GW" $(sed -n 's/^  \(.*culvertd .*\)/\1/p' "$RUN/init.log")
    spawn fleetd "$GW" $(sed -n 's/^  \(.*culvert-fleetd .*\)/\1/p' "$RUN/init.log")
    wait_log gw 'culvertd .* ready'
    wait_log fleetd 'culvert-fleetd .* ready'
}

# The daemon that join starts is the device's own: it goes with the test.
end_device() {
    local pid
    for pid in $(cat "$RUN"/dev*/run/culvert/culvertd.pid 2>/dev/null); do stop_pid "$pid"; done
}
AT_EXIT=end_device

two_nats
mkdir -p "$RUN/dev"
begun=$(date +%s%N)
gateway --lifetime 15s
spawn app "$APP" python3 "$SERVICES" serve "$APP_IP" "$DNS_IP"
wait_log app serving

# ---- again changes nothing --------------------------------------------------------------
culvert "$GW" init --name gw.example --address "$GW_IP" --pool 10.99.0.0/16 --service "$APP_NET" --dns "$DNS_IP" \
    --root "$RUN/gw" --lifetime 15s | grep -q 'nothing changed' || fail "init again changes something"
if culvert "$GW" init --name gw.example --address "$GW_IP" --pool 10.98.0.0/16 --service "$APP_NET" --dns "$DNS_IP" \
    --root "$RUN/gw" --lifetime 15s 2>"$RUN/other.log"; then fail "init with another pool is taken"; fi
grep -q -- "--pool is '10.99.0.0/16', not '10.98.0.0/16'" "$RUN/other.log" || fail "init does not say what differs"

# ---- one line, one command ----------------------------------------------------------------
bundle=$(culvert "$GW" device add sensor-17 --profile sensor --root "$RUN/gw") || fail "device add"
joined=$(date +%s%N)
culvert "$DEV" join "$bundle" --root "$RUN/dev" >"$RUN/join.log" 2>&1 || fail "culvert join"
grep -q 'tunnel is up, with address 10.99.0.' "$RUN/join.log" || fail "join does not tell the address"
ping_once "$DEV" "$APP_IP" || fail "no ping through the tunnel"
now=$(date +%s%N)
say "$TEST: $(((now - joined) / 1000000)) ms from join to ping, $(((now - begun) / 1000000)) ms from init"
[ $((now - joined)) -lt 8000000000 ] || fail "joining took more than 8 s"
INNER=$(sed -n 's/.*with address \([0-9.]*\).*/\1/p' "$RUN/join.log")
[ "$(stat -c %a "$RUN/dev/etc/culvert/private/device.key")" = 600 ] || fail "the key can be read by others"

# ---- everything through one tunnel, and a command back ---------------------------------------
inns "$DEV" python3 "$SERVICES" resolve "$DNS_IP" firmware.fleet.example | grep -qx "$APP_IP" || fail "DNS"
inns "$DEV" python3 "$SERVICES" fetch "$APP_IP" /firmware.bin | grep -q 'as published' || fail "firmware"
ping_once "$DEV" 10.99.0.1 || fail "the gateway's own address"
spawn command "$DEV" python3 "$SERVICES" command "$INNER"
wait_log command waiting
inns "$APP" python3 "$SERVICES" send "$INNER" "open valve 3" || fail "a command does not reach the device"
wait_log command 'open valve 3'
[ "$(inns "$NAT" python3 "$SERVICES" scan 10.77.0.2)" = 0 ] || fail "the device has an open port"

# ---- the bundle is used up, and says so ------------------------------------------------------
mkdir -p "$RUN/thief"
if culvert "$DEV" join "$bundle" --root "$RUN/thief" --no-start 2>"$RUN/thief.log"; then fail "a code is good twice"; fi
grep -q 'has been used' "$RUN/thief.log" || fail "a used code is not said"

# ---- with curl and openssl alone ------------------------------------------------------------
EST=https://$GW_IP:8443/.well-known/est
code() { sed -n 's|culvert://[^:]*:\([^@]*\)@.*|\1|p'; }
from() { inns "$DEV" curl -sS -m 5 --cacert "$RUN/ca.pem" "$@"; }
inns "$DEV" curl -sS -m 5 -k "$EST/cacerts" | openssl base64 -d | openssl pkcs7 -inform DER -print_certs 2>/dev/null |
    openssl x509 >"$RUN/ca.pem" || fail "cacerts by curl"
pin=$(openssl x509 -in "$RUN/ca.pem" -pubkey -noout | openssl pkey -pubin -outform DER | openssl sha256 -binary |
    openssl base64 | tr '+/' '-_' | tr -d =)
[ "$pin" = "$(echo "$bundle" | cut -d/ -f4)" ] || fail "the fingerprint is not that of the authority's key"
from "$EST/csrattrs" | openssl base64 -d | openssl asn1parse -inform DER | grep -q prime256v1 || fail "csrattrs"
other=$(culvert "$GW" device add sensor-18 --root "$RUN/gw" | code)
openssl ecparam -name prime256v1 -genkey -noout -out "$RUN/18.key" 2>/dev/null
request() { openssl req -new -key "$RUN/18.key" -subj "/CN=$1" -outform DER | openssl base64 -e; }
enrol() { from -u "sensor-18:$other" -H 'Content-Type: application/pkcs10' --data-binary @- "$EST/$@"; }
request gw.example | enrol simpleenroll -w '%{http_code}' | tr -d '\n' | grep -q 'CN=gw.example.*400' || fail "a request for another name"
request sensor-18 | enrol simpleenroll | openssl base64 -d | openssl pkcs7 -inform DER -print_certs |
    openssl x509 >"$RUN/18.pem" || fail "simpleenroll by curl and openssl"
openssl verify -CAfile "$RUN/ca.pem" -purpose sslclient "$RUN/18.pem" >/dev/null || fail "the certificate does not verify"
request sensor-18 | from -H 'Content-Type: application/pkcs10' --data-binary @- --cert "$RUN/18.pem" --key "$RUN/18.key" \
    "$EST/simplereenroll" | openssl base64 -d | openssl pkcs7 -inform DER -print_certs | grep -q 'BEGIN CERT' ||
    fail "simplereenroll by curl"

# ---- renewed in time, through the tunnel --------------------------------------------------------
serial() { openssl x509 -in "$RUN/dev/etc/culvert/x509/device.pem" -noout -serial; }
first=$(serial)
grep -q 'inside = "https://10.99.0.1:8443' "$RUN/dev/etc/culvert/join.conf" || fail "no way inside"
inns "$GW" nft -f - <<'N' # from now on EST is reached through the tunnel alone
table ip outside { chain in { type filter hook input priority 0; iifname "wan" tcp dport 8443 drop; }; }
N
is_renewed() { [ "$(serial)" != "$first" ]; }
until_true 30 is_renewed || fail "the daemon has not renewed its certificate"
grep -q 'renew: the certificate is renewed' "$RUN/dev/var/lib/culvert/culvertd.log" || fail "the log does not tell"
ping_once "$DEV" "$APP_IP" || fail "the tunnel did not outlive the renewal"
inns "$GW" nft delete table ip outside

# ---- a microcontroller's way: a shared secret that the registry alone has -------------------------
end_device
secret=$(culvert "$GW" device add meter-1 --psk --json --root "$RUN/gw" | sed -n 's/.*"psk":"\([^"]*\)".*/\1/p')
cat >"$RUN/dev/swanctl.conf" <<C
connections {
    fleet {
        remote_addrs = $GW_IP
        vips = 0.0.0.0
        local {
            auth = psk
            id = meter-1
        }
        remote {
            auth = psk
            id = gw.example
        }
        children {
            fleet {
                remote_ts = 0.0.0.0/0
            }
        }
    }
}
secrets {
    ike {
        secret = $secret
    }
}
C
daemon dev
culvert "$DEV" up fleet --run-dir "$RUN/dev/run" >/dev/null || fail "no tunnel by a shared secret"
ping_once "$DEV" "$APP_IP" || fail "no ping by a shared secret"
sed -i 's/id = meter-1/id = meter-2/' "$RUN/dev/swanctl.conf"
signal dev HUP
wait_log dev 'reloaded'
if culvert "$DEV" up fleet --run-dir "$RUN/dev/run" --timeout 5 >/dev/null 2>&1; then fail "a device that is not in the fleet is let in"; fi
logged gw 'meter-2.*no device of the fleet' || fail "the gateway does not say why"
stop dev

# ---- a device whose clock has forgotten everything ------------------------------------------------
cat >"$RUN/dead.c" <<'C'
#include <time.h>
time_t time(time_t *out)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    if (out) *out = t.tv_sec;
    return t.tv_sec;
}
C
gcc -shared -fPIC -o "$RUN/dead.so" "$RUN/dead.c" || fail "no compiler for the dead clock"
bundle=$(culvert "$GW" device add sensor-19 --root "$RUN/gw")
mkdir -p "$RUN/dev19"
LD_PRELOAD=$RUN/dead.so inns "$DEV" "$CULVERT" join "$bundle" --root "$RUN/dev19" >"$RUN/join19.log" 2>&1 ||
    fail "joining with a dead clock"
grep -q 'days late' "$RUN/join19.log" || fail "the dead clock is not noticed"
ping_once "$DEV" "$APP_IP" || fail "no ping with a dead clock"

# ---- taken back: at once here, by a list elsewhere -------------------------------------------------
culvert "$GW" device revoke sensor-19 --root "$RUN/gw" >/dev/null || fail "device revoke"
is_out() { ! ping_once "$DEV" "$APP_IP"; }
until_true 3 is_out || fail "a revoked device goes on"
wait_log gw 'sensor-19.*revoked'
if culvert "$DEV" renew --now --root "$RUN/dev19" 2>"$RUN/renew19.log"; then fail "a revoked device renews"; fi
culvert "$GW" ca crl --root "$RUN/gw" | openssl crl -noout -text | grep -q 'Serial Number' || fail "the list is empty"
pass
