#!/bin/bash
# culvertd against strongSwan's charon, both roles: raw public keys, RSASSA-PSS, certificates as
# URLs, and revocation by lists that either side fetches.
# SPDX-License-Identifier: Apache-2.0
CHARON_MORE="revocation curl"
CHARON_LINES="hash_and_url = yes
    signature_authentication = yes
    rsa_pss = yes"
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/lib-charon.sh"

ours() { local side=$1; shift; swanctl "$side" "$@" >>"$RUN/swanctl.out" 2>&1; }
theirs() { local side=$1; shift; charonctl "$side" "$@" >>"$RUN/charonctl.out" 2>&1; }
end_both() { # culvertd SIDE, charon SIDE
    stop "$1"; stop "charon-$2"
    rm -rf "$RUN/$1/run"
    cat "$RUN/$1.log" >>"$RUN/$1.earlier" && rm "$RUN/$1.log"
    ip -n "$P-$2" link del ipsec0 2>/dev/null
    true
}
up() { if [ "$1" = ours ]; then ours dev --initiate --child c; else theirs dev --initiate --child c --timeout 10; fi; }
# both WHAT [REFUSED]: culvertd initiates, then charon does; the second word: it is refused
both() {
    local first
    for first in ours theirs; do
        if [ "$first" = ours ]; then charon gw; daemon dev; else daemon gw; charon dev; fi
        if [ "${2:-}" = refused ]; then
            up "$first" && fail "$1: let in ($first initiate)"
        else
            up "$first" || fail "$1: no SA ($first initiate)"
        fi
        [ -z "${3:-}" ] || eval "$3"
        if [ "$first" = ours ]; then end_both dev gw; else end_both gw dev; fi
    done
}
# conf SIDE LOCAL REMOTE AUTHORITY
conf() {
    local side=$1 other=gw inner=10.88.0.2 others=10.88.0.1 addrs="remote_addrs = $GW_IP"
    [ "$side" = gw ] && other=dev inner=10.88.0.1 others=10.88.0.2 addrs="local_addrs = $GW_IP"
    cat >"$RUN/$side/swanctl.conf" <<C
connections {
    t {
        version = 2
        encap = yes
        $addrs
        local {
            id = $side.example
            $2
        }
        remote {
            id = $other.example
            $3
        }
        children {
            c {
                local_ts = $inner/32
                remote_ts = $others/32
            }
        }
    }
}
$4
C
}
each() { local side; for side in dev gw; do conf "$side" "$@"; done; }

topology hosts
ip -n "$GW" addr add 10.88.0.1/32 dev lo
ip -n "$DEV" addr add 10.88.0.2/32 dev lo

for kind in rsa ed25519; do
    say "raw public keys: $kind"
    certificates $kind
    for side in dev gw; do
        mkdir -p "$RUN/$side/pubkey"
        for other in dev gw; do
            openssl pkey -in "$RUN/$other/private/own.pem" -pubout -out "$RUN/$side/pubkey/$other.pem" || fail "openssl pkey"
        done
        rm -r "$RUN/$side"/x509 "$RUN/$side"/x509ca
    done
    conf dev "pubkeys = dev.pem" "pubkeys = gw.pem" ""
    conf gw "pubkeys = gw.pem" "pubkeys = dev.pem" ""
    both "raw $kind"
done
say "raw public keys: a wrong one"
openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -out "$RUN/gw/pubkey/dev.pem" 2>/dev/null
both "a wrong raw key" refused
rm -r "$RUN"/*/pubkey

say "RSASSA-PSS"
certificates rsa
each "auth = ike:rsa/pss-sha384
            certs = own.pem" "auth = ike:rsa/pss-sha384" ""
both "PSS"

say "certificates as URLs"
certificates ecdsa
mkdir -p "$RUN/www"
for side in dev gw; do
    openssl x509 -in "$RUN/$side/x509/own.pem" -outform DER -out "$RUN/der"
    cp "$RUN/der" "$RUN/www/$(sha1sum <"$RUN/der" | cut -d' ' -f1)"
done
spawn www "$GW" python3 -u -m http.server -d "$RUN/www" 8080
until_true 5 inns "$GW" sh -c "ss -tln | grep -q :8080" || fail "no web server"
each "certs = own.pem" "" "authorities { fleet {
    cacert = ca.pem
    cert_uri_base = http://$GW_IP:8080/
} }"
both "URLs"
[ "$(grep -cE 'GET /[0-9a-f]{40} .* 200' "$RUN/www.log")" = 4 ] || fail "not every certificate was fetched: $(cat "$RUN/www.log")"

say "a list that both sides fetch"
printf '[ca]\ndefault_ca = d\n[d]\ndatabase = %s\ncrlnumber = %s\ndefault_md = sha256\ndefault_crl_hours = 1\ncrl_extensions = x\n[x]\nauthorityKeyIdentifier = keyid\n' "$RUN/index" "$RUN/number" >"$RUN/ca.conf"
: >"$RUN/index"
echo 01 >"$RUN/number"
list() {
    openssl ca -config "$RUN/ca.conf" -keyfile "$RUN/pki/ca.key" -cert "$RUN/pki/ca.pem" -gencrl -out "$RUN/crl.pem" 2>/dev/null &&
        openssl crl -in "$RUN/crl.pem" -outform DER -out "$RUN/www/ca.crl"
}
list || fail "openssl ca -gencrl"
each "certs = own.pem" "revocation = strict" "authorities { fleet {
    cacert = ca.pem
    crl_uris = http://$GW_IP:8080/ca.crl
} }"
both "a list"
for revoked in dev gw; do
    say "$revoked is revoked"
    openssl ca -config "$RUN/ca.conf" -keyfile "$RUN/pki/ca.key" -cert "$RUN/pki/ca.pem" -revoke "$RUN/$revoked/x509/own.pem" -crl_reason superseded 2>/dev/null || fail "openssl ca -revoke"
    list
    both "$revoked is revoked" refused
    : >"$RUN/index"
done
grep -q "was revoked on .* UTC, superseded (revocation list)" "$RUN/dev.earlier" || fail "the device did not say why"
grep -q "was revoked on .* UTC, superseded (revocation list)" "$RUN/gw.earlier" || fail "the gateway did not say why"
pass
