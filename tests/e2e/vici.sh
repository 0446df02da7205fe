#!/bin/bash
# Every command of the real swanctl against culvertd: certificates, secrets, pools, authorities
# and connections come over VICI alone; what is listed has the keys that charon's has.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
[ -n "$SWANCTL" ] || skip "no swanctl"
command -v openssl >/dev/null || skip "no openssl"

# sw SIDE WORD...: swanctl's output in $OUT, its own complaints about plugins left out.
sw() {
    local side=$1 status
    shift
    OUT=$(SWANCTL_DIR=$RUN/$side/load inns "$P-$side" "$SWANCTL" "$@" \
        --uri "unix://$RUN/$side/run/vici.sock" 2>&1)
    status=$?
    OUT=$(grep -vE 'failed to load|opening directory' <<<"$OUT")
    return $status
}
ok() { sw "$@" || fail "swanctl $*: $OUT"; }
refused() { sw "$@" && fail "swanctl $* succeeded: $OUT"; return 0; }
says() { grep -qE -- "$1" <<<"$OUT" || fail "expected '$1' in: $OUT"; }
says_not() { ! grep -qE -- "$1" <<<"$OUT" || fail "did not expect '$1' in: $OUT"; }

# ---- what there is to load ---------------------------------------------------------------

pki() {
    local side dir
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -subj "/C=CH/O=Lab/CN=Lab CA" -keyout "$RUN/ca.key" -out "$RUN/ca.pem" || return 1
    for side in gw dev; do
        dir=$RUN/$side/load
        mkdir -p "$dir/x509" "$dir/x509ca" "$dir/private"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -subj "/C=CH/O=Lab/CN=$side" -keyout "$dir/private/$side.key" -out "$RUN/csr" &&
            printf 'subjectAltName=DNS:%s.lab.test\n' "$side" >"$RUN/ext" &&
            openssl x509 -req -in "$RUN/csr" -CA "$RUN/ca.pem" -CAkey "$RUN/ca.key" \
                -CAcreateserial -days 30 -extfile "$RUN/ext" -out "$dir/x509/$side.pem" || return 1
        cp "$RUN/ca.pem" "$dir/x509ca/ca.pem"
    done
}

# connection SIDE PEER EXTRA CHILD: a swanctl.conf connection named t with a child c
connection() {
    cat <<C
    t {
        version = 2
        $3
        local {
            auth = pubkey
            certs = $1.pem
            id = $1.lab.test
        }
        remote {
            auth = pubkey
            id = $2.lab.test
            cacerts = ca.pem
        }
        children {
            $4
        }
    }
C
}

configure() {
    cat >"$RUN/gw/load/swanctl.conf" <<C
connections {
$(connection gw dev "pools = p4
        dpd_delay = 30" "c {
                local_ts = $APP_NET
            }")
}
pools {
    p4 {
        addrs = 10.99.0.0/24
        dns = $APP_IP
    }
}
authorities {
    lab {
        cacert = ca.pem
    }
}
C
    cat >"$RUN/dev/load/swanctl.conf" <<C
connections {
$(connection dev gw "remote_addrs = $GW_IP
        vips = 0.0.0.0
        reauth_time = 2h" "c {
                remote_ts = $APP_NET
                rekey_bytes = 100000000
            }
            tr {
                remote_ts = 10.77.44.0/24
                start_action = trap
            }")
}
secrets {
    ike-x {
        id-1 = a.example
        secret = hello
    }
}
C
}

topology nat
pki >"$RUN/pki.log" 2>&1 || fail "making certificates"
configure
for side in gw dev; do
    : >"$RUN/$side/swanctl.conf"
    daemon "$side"
done

# ---- loading ---------------------------------------------------------------------------------

ok gw --load-all
says "loaded certificate from '.*gw.pem'"
says "loaded ECDSA key"
says "successfully loaded 1 authorities, 0 unloaded"
says "successfully loaded 1 pools, 0 unloaded"
says "successfully loaded 1 connections, 0 unloaded"
ok dev --load-all
says "loaded ike secret 'ike-x'"
ok dev --load-all # the same again: nothing is unloaded, nothing is double
says "successfully loaded 1 connections, 0 unloaded"

ok dev --version --daemon
says "culvertd"
ok dev --stats
says "IKE_SAs: 0 total, 0 half-open"
ok dev --list-algs
says "AES_GCM_16\[(openssl|ipsec-mb)\]"
ok dev --list-conns
says "t: IKEv2, reauthentication every 7200s"
says "id: dev.lab.test"
says "certs: C=CH, O=Lab, CN=dev"
says "c: TUNNEL, rekeying every 3600s or 100000000 bytes"
ok dev --list-pols
says "t/tr, TUNNEL"
ok dev --list-certs
says 'subject: +"C=CH, O=Lab, CN=dev"'
says "has private key"
says 'subject: +"C=CH, O=Lab, CN=Lab CA"'
ok gw --list-authorities
says "cacert: C=CH, O=Lab, CN=Lab CA"

ok dev --reload-settings # the daemon's own file is empty: what came over VICI stays
ok dev --list-conns
says "t: IKEv2"

# ---- initiating --------------------------------------------------------------------------------

stdbuf -oL true 2>/dev/null && LINES_OUT="stdbuf -oL"
spawn monitor "$DEV" ${LINES_OUT:-} "$SWANCTL" --monitor-sa --raw --uri "unix://$RUN/dev/run/vici.sock"
spawn tail "$DEV" ${LINES_OUT:-} "$SWANCTL" --log --uri "unix://$RUN/dev/run/vici.sock"
sleep 0.5

refused dev --initiate --child nope
says "CHILD_SA config 'nope' not found"
ok dev --initiate --child c --timeout 10
says "\[CHD\] .*c"
says "initiate completed successfully"
ok dev --initiate --child c # once more: it is up
ok dev --initiate --ike t
reaches "$DEV" "$APP_IP" || fail "no ping"

ok dev --list-sas --raw
for key in 'uniqueid=' 'version=2' 'state=ESTABLISHED' "local-host=$DEV_IP" 'local-port=4500' \
    'local-id=dev.lab.test' "remote-host=$GW_IP" 'remote-id=gw.lab.test' 'initiator=yes' \
    'initiator-spi=[0-9a-f]{16} ' 'responder-spi=[0-9a-f]{16} ' 'nat-local=yes' 'nat-any=yes' \
    'encr-alg=AES_GCM_16' 'encr-keysize=128' 'prf-alg=PRF_HMAC_SHA2_256' 'dh-group=CURVE_25519' \
    'established=[0-9]' 'reauth-time=[0-9]' 'local-vips=\[10.99.0.1\]' 'child-sas \{c-[0-9]+ \{name=c' \
    'state=INSTALLED' 'mode=TUNNEL' 'protocol=ESP' 'encap=yes' 'spi-in=[0-9a-f]{8} ' \
    'bytes-in=[1-9]' 'packets-in=[1-9]' 'use-in=[0-9]' 'bytes-out=[1-9]' 'rekey-time=[0-9]' \
    'life-time=[0-9]' 'install-time=[0-9]' 'local-ts=\[10.99.0.1/32\]' "remote-ts=\[$APP_NET\]"; do
    says "$key"
done
ok dev --list-sas --ike nope
says_not "t:"
ok gw --list-sas
says "remote 'dev.lab.test' @ $NAT_OUT_IP\[[0-9]+\] \[10.99.0.1\]"
ok gw --list-pools --leases
says "p4 +10.99.0.0 +1 / 0 / 254"
says "10.99.0.1 +online +'dev.lab.test'"
until_true 5 logged monitor "child-updown event \{up=yes t \{uniqueid=" || fail "no child-updown event"
until_true 5 logged monitor "ike-updown event \{up=yes t \{uniqueid=" || fail "no ike-updown event"
until_true 5 logged tail "\[IKE\].*established" || fail "no log event"

# ---- rekeying ------------------------------------------------------------------------------------

ok dev --rekey --child c
says "rekey completed successfully"
ok dev --rekey --ike t
refused dev --rekey --ike nope
says "no matching SAs to rekey found"
reaches "$DEV" "$APP_IP" || fail "no ping after the rekeys"
ok gw --counters
says "child-rekey +: 1"
[ "$(grep -cE '^  [a-z-]+ +: [0-9]+$' <<<"$OUT")" = 21 ] || fail "not charon's 21 counters: $OUT"
says "ike-rekey-resp +: 1"
says "ike-init-in-req +: [1-9]"
says "ike-auth-out-resp +: [1-9]"
says "create-child-in-req +: 2"
says "info-out-resp +: [1-9]"
ok gw --counters --reset
ok gw --counters
says "child-rekey +: 0"
says "ike-auth-in-req +: 0"

# ---- what is not implemented says so -----------------------------------------------------------------

refused dev --redirect --ike t --gateway 10.0.0.1
says "no matching SAs to redirect"

# ---- policies and counters one by one ------------------------------------------------------------------

ok dev --uninstall --child tr
ok dev --list-pols
says_not "/tr,"
refused dev --uninstall --child tr
says "policy 'tr' not found"
ok dev --install --child tr
ok dev --list-pols
says "/tr,"
refused dev --install --child nobody
says "configuration name not found"
ok dev --counters --name t
says "ike-auth-out-req +: [1-9]"
ok dev --counters --all
says "ike-auth-out-req +: [1-9]"
ok dev --counters --name t --reset
refused dev --counters --name t
says "no counters found"

# ---- ending -------------------------------------------------------------------------------------------

refused dev --terminate
says "missing terminate selector"
refused dev --terminate --child nope
says "no matching SAs to terminate found"
: >"$RUN/empty.conf"
ok gw --load-pools --file "$RUN/empty.conf"
says "unloading pool 'p4' failed: .* online"
ok dev --terminate --child c
ok dev --list-sas
says "t: #[0-9]+, ESTABLISHED"
says_not "INSTALLED"
ok dev --initiate --child c
ok dev --terminate --ike t --timeout 10
says "terminate completed successfully"
until_true 5 logged monitor "ike-updown event \{t \{uniqueid=" || fail "no event for the end"
ok dev --list-sas
says_not "t:"
ok gw --list-pools
says "p4 +10.99.0.0 +0 / 1 / 254"

# The gateway's refusal is an error here, and soon.
sed -i 's/id = dev.lab.test/id = other.lab.test/' "$RUN/gw/load/swanctl.conf"
ok gw --load-conns
refused dev --initiate --child c --timeout 20
says "establishing CHILD_SA 'c' failed: "
ip -n "$GW" link set wan down
refused dev --initiate --child c --timeout 1
says "not established after 1000ms"
ok dev --terminate --ike t --force
ip -n "$GW" link set wan up

# ---- unloading --------------------------------------------------------------------------------------------

: >"$RUN/gw/load/swanctl.conf"
ok gw --load-all
says "no connections found, 1 unloaded"
says "no pools found, 1 unloaded"
says "no authorities found, 1 unloaded"
ok gw --list-conns
says_not "t:"
ok dev --flush-certs
ok dev --load-creds --clear
rm -r "$RUN/dev/load/private"
ok dev --load-creds
refused dev --initiate --child c --timeout 20

# A broken configuration is refused with its name, and what was there stays.
sed -i 's/reauth_time/reauth_tiem/' "$RUN/dev/load/swanctl.conf"
refused dev --load-conns
says "reauth_tiem"
ok dev --list-conns
says "t: IKEv2"
alive dev && alive gw || fail "a daemon ended"
pass
