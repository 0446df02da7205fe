#!/bin/bash
# Revocation asked online: a device's certificate is refused when a list from a web server or an
# OCSP responder says so, one server that hangs holds up nobody else, and the policy decides when
# nobody tells.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v openssl >/dev/null || skip "no openssl"
topology hosts

W=$RUN/pki
mkdir -p "$W/www" "$W/new" "$RUN"/{dev,gw}/{x509,x509ca,private,x509crl}
: >"$W/index.txt"
echo 01 >"$W/serial"
echo 01 >"$W/crlnumber"
cat >"$W/ca.conf" <<C
[ca]
default_ca = d
[d]
database = $W/index.txt
new_certs_dir = $W/new
serial = $W/serial
crlnumber = $W/crlnumber
certificate = $W/ca.pem
private_key = $W/ca.key
default_md = sha256
default_days = 20
default_crl_hours = 1
policy = p
[p]
organizationName = supplied
commonName = supplied
C
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2>/dev/null; }
key "$W/ca.key"
openssl req -x509 -new -key "$W/ca.key" -subj "/O=Fleet/CN=CA" -days 30 -out "$W/ca.pem" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null || fail "openssl req"
# issue SIDE EXTENSION...
issue() {
    local side=$1
    shift
    key "$RUN/$side/private/own.pem"
    openssl req -new -key "$RUN/$side/private/own.pem" -subj "/O=Fleet/CN=$side$RANDOM" -out "$W/csr" 2>/dev/null
    printf '%s\n' "subjectAltName=DNS:$side.example" basicConstraints=CA:FALSE keyUsage=digitalSignature "$@" >"$W/ext"
    openssl ca -batch -config "$W/ca.conf" -in "$W/csr" -extfile "$W/ext" -out "$RUN/$side/x509/own.pem" >/dev/null 2>&1 || fail "openssl ca"
    cp "$W/ca.pem" "$RUN/$side/x509ca/"
}
list() { openssl ca -config "$W/ca.conf" -gencrl -out "$W/crl.pem" 2>/dev/null && openssl crl -in "$W/crl.pem" -outform DER -out "$W/www/ca.crl"; }
revoke() { openssl ca -config "$W/ca.conf" -revoke "$RUN/dev/x509/own.pem" -crl_reason keyCompromise >/dev/null 2>&1 && list; }
swan() { # SIDE CONNECTION-LINES REMOTE-LINES REST
    local side=$1 other=gw inner=10.88.0.1/32 others=10.88.0.2/32
    [ "$side" = gw ] && other=dev inner=10.88.0.2/32 others=10.88.0.1/32
    cat >"$RUN/$side/swanctl.conf" <<C
culvert {
    answer_timeout = 6
    retransmit_timeout = 1
    $5
}
connections {
    t {
        $2
        local {
            auth = pubkey
            certs = own.pem
            id = $side.example
        }
        remote {
            auth = pubkey
            id = $other.example
            $3
        }
        children {
            c {
                local_ts = $inner
                remote_ts = $others
            }
        }
    }
}
authorities {
    fleet {
        cacert = ca.pem
        $4
    }
}
C
}
up() { swanctl dev --initiate --child c --timeout 12 >>"$RUN/init.out" 2>&1; }
down() { swanctl dev --terminate --ike t >/dev/null 2>&1; }
again() { # restarts the gateway with what it is given: nothing is known to it
    stop gw
    rm -rf "$RUN/gw/run"
    cat "$RUN/gw.log" >>"$RUN/gw.earlier" && rm "$RUN/gw.log"
    swan gw "local_addrs = $GW_IP" "$@"
    daemon gw
}
says() { until_true 5 grep -qF "$1" "$RUN/gw.log" || fail "the gateway's log does not say '$1'"; }

issue gw
issue dev "crlDistributionPoints=URI:http://$GW_IP:8080/ca.crl"
list
spawn www "$GW" python3 -u -m http.server -d "$W/www" 8080
swan dev "remote_addrs = $GW_IP" "" "" ""
swan gw "local_addrs = $GW_IP" "revocation = strict" "" ""
until_true 5 inns "$GW" sh -c "ss -tln | grep -q :8080" || fail "no web server"
daemon gw
daemon dev

say "a list from the certificate's own address"
up || fail "a good certificate is refused"
down
[ "$(grep -c 'GET /ca.crl' "$RUN/www.log")" = 1 ] || fail "the list was not fetched once"
up || fail "refused with a list that is known"
down
[ "$(grep -c 'GET /ca.crl' "$RUN/www.log")" = 1 ] || fail "a list that is known was fetched again"
swanctl gw --list-certs --type x509_crl >"$RUN/lists.out"
grep -q "CN=CA" "$RUN/lists.out" || fail "list-certs does not show it"
swanctl gw --list-certs --type x509 | grep -q "CN=gw" || fail "list-certs"

say "revoked"
revoke
swanctl gw --flush-certs >/dev/null || fail "flush-certs"
up && fail "a revoked certificate is let in"
says "was revoked on $(date -u +%Y-%m-%d)"
says "keyCompromise (revocation list)"

say "strict, and the server answers with an error"
rm "$W/www/ca.crl"
again "revocation = strict" "" ""
up && fail "let in though nobody tells"
says "whether it is revoked is not known: http://$GW_IP:8080/ca.crl answers with HTTP status 404"

say "relaxed, and a server that hangs"
inns "$GW" ip addr add 10.77.2.99/32 dev lo
spawn hang "$GW" python3 -c "import socket,time
s=socket.socket(); s.bind(('10.77.2.99',80)); s.listen(50); time.sleep(100)"
again "revocation = relaxed" "crl_uris = http://10.77.2.99/ca.crl" ""
up || fail "relaxed, and nobody tells"
down
says "is not known: http://10.77.2.99/ca.crl"

say "OCSP from the configuration, a signer that the authority has named"
key "$W/ocsp.key"
openssl req -new -key "$W/ocsp.key" -subj "/O=Fleet/CN=OCSP" -out "$W/csr" 2>/dev/null
printf 'extendedKeyUsage=OCSPSigning\n' >"$W/ext"
openssl ca -batch -config "$W/ca.conf" -in "$W/csr" -extfile "$W/ext" -out "$W/ocsp.pem" >/dev/null 2>&1 || fail "openssl ca"
ocsp() { spawn "$1" "$GW" openssl ocsp -index "$W/index.txt" -port 8888 -rsigner "$W/ocsp.pem" -rkey "$W/ocsp.key" -CA "$W/ca.pem"; }
ocsp ocsp
until_true 5 inns "$GW" sh -c "ss -tln | grep -q :8888" || fail "no OCSP responder"
again "revocation = strict" "ocsp_uris = http://$GW_IP:8888" ""
up && fail "a revoked certificate is let in"
says "keyCompromise (OCSP)"
stop ocsp
issue dev
ocsp ocsp2
until_true 5 inns "$GW" sh -c "ss -tln | grep -q :8888" || fail "no OCSP responder"
stop dev
rm -rf "$RUN/dev/run"
daemon dev
up || fail "a good certificate is refused"
down

say "the configuration's list, kept as a file for the next start"
list
stop ocsp2
again "revocation = strict" "crl_uris = http://$GW_IP:8080/ca.crl, http://$GW_IP:1/" "cache_crls = yes"
up || fail "a good certificate is refused"
down
[ "$(ls "$RUN/gw/x509crl")" ] || fail "the list was not kept"
rm "$W/www/ca.crl"
again "revocation = strict" "" ""
up || fail "the list that was kept is not used"
down

say "certificates as URLs, and an OCSP answer inside IKE: the gateway asks nobody but the web server"
for side in dev gw; do
    openssl x509 -in "$RUN/$side/x509/own.pem" -outform DER -out "$W/der" || fail "openssl x509"
    cp "$W/der" "$W/www/$(sha1sum <"$W/der" | cut -d' ' -f1)"
done
inns "$DEV" ip addr add 10.77.2.98/32 dev lo
spawn ocsp3 "$DEV" openssl ocsp -index "$W/index.txt" -port 8889 -rsigner "$W/ocsp.pem" -rkey "$W/ocsp.key" -CA "$W/ca.pem" -nmin 5
until_true 5 inns "$DEV" sh -c "ss -tln | grep -q :8889" || fail "no OCSP responder"
rm "$RUN"/gw/x509crl/*
stop gw
rm -rf "$RUN/gw/run"
swan gw "local_addrs = $GW_IP
        ocsp = request" "revocation = strict" "cert_uri_base = http://10.77.2.99:8080/" ""
daemon gw
stop dev
rm -rf "$RUN/dev/run"
swan dev "remote_addrs = $GW_IP
        ocsp = reply" "" "cert_uri_base = http://10.77.2.99:8080/
        ocsp_uris = http://10.77.2.98:8889" ""
daemon dev
up || fail "refused, with a URL and an answer"
[ "$(grep -cE 'GET /[0-9a-f]{40} ' "$RUN/www.log")" = 2 ] || fail "the certificates were not fetched by their URLs"
down
grep -q "10.77.2.98" "$RUN/gw.log" && fail "the gateway asked the responder itself"
pass
