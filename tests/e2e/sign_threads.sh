#!/bin/bash
# Signatures are made beside the loop: while a crowd of devices connects with RSA-4096
# certificates to a gateway whose signatures take 400 ms each, and its credentials are reloaded
# time and again, a ping through a tunnel that is up loses nothing and waits for none of them.
# With sign_threads = 0 it does wait, so the measure is one.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v openssl >/dev/null || skip "no openssl"
"${CC:-cc}" -std=gnu17 -O2 -shared -fPIC -o "$RUN/slow_signer.so" "$E2E_DIR/slow_signer.c" ||
    skip "no compiler"

FLEET=$P-fleet
N=12 SIGNATURE_MS=400 PING_LIMIT_MS=200
DEVICE_UP='IKE SA established: .* with .*(dev-[0-9]'
REAL=$CULVERTD

topology direct
namespace "$FLEET"
veth "$FLEET" wan 10.77.4.2 "$GW" fleet 10.77.4.1

# ---- certificates ---------------------------------------------------------------------

mkdir -p "$RUN/fleet"
for side in gw fleet; do mkdir -p "$RUN/$side/x509" "$RUN/$side/x509ca" "$RUN/$side/private"; done
for key in ca.key gw/private/gw.pem fleet/private/dev.pem; do
    openssl genrsa -out "$RUN/$key" 4096 2>/dev/null &
    KEYS="${KEYS:-} $!"
done
wait $KEYS
openssl req -x509 -new -key "$RUN/ca.key" -subj "/O=Fleet/CN=CA" -days 30 -out "$RUN/ca.pem" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null || fail "openssl req"
cp "$RUN/ca.pem" "$RUN/gw/x509ca/"
cp "$RUN/ca.pem" "$RUN/fleet/x509ca/"
certificate() { # NAME KEY OUT
    openssl req -new -key "$RUN/$2" -subj "/O=Fleet/CN=$1" -out "$RUN/csr" 2>/dev/null &&
        printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectAltName=DNS:%s\n' "$1" >"$RUN/ext" &&
        openssl x509 -req -in "$RUN/csr" -CA "$RUN/ca.pem" -CAkey "$RUN/ca.key" -CAcreateserial \
            -days 20 -extfile "$RUN/ext" -out "$RUN/$3" 2>/dev/null || fail "openssl x509 $1"
}
certificate gw.fleet.example gw/private/gw.pem gw/x509/gw.pem
for i in $(seq "$N"); do
    certificate "dev-$i.fleet.example" fleet/private/dev.pem "fleet/x509/dev-$i.pem"
done

# ---- configurations -------------------------------------------------------------------

gw_conf() { # THREADS
    cat >"$RUN/gw/swanctl.conf" <<C
connections {
    first {
        local {
            auth = psk
            id = gw.example
        }
        remote {
            auth = psk
            id = dev.example
        }
        children {
            net {
                local_ts = $APP_NET
                remote_ts = $DEV_INNER_IP/32
            }
        }
    }
    fleet {
        local {
            auth = pubkey
            certs = gw.pem
            id = gw.fleet.example
        }
        remote {
            auth = pubkey
            cacerts = ca.pem
            id = *.fleet.example
        }
        children {
            net {
                local_ts = $APP_NET
                remote_ts = 10.77.11.0/24
            }
        }
    }
}
culvert {
    sign_threads = $1
    block_threshold = 0
    cookie_threshold = 0
}
$(secrets)
C
}

device() { # NUMBER
    cat <<C
    dev-$1 {
        remote_addrs = 10.77.4.1
        proposals = aes128gcm16-prfsha256-x25519
        local {
            auth = pubkey
            certs = dev-$1.pem
            id = dev-$1.fleet.example
        }
        remote {
            auth = pubkey
            id = gw.fleet.example
        }
        children {
            net {
                local_ts = 10.77.11.$1/32
                remote_ts = $APP_NET
                start_action = start
            }
        }
    }
C
}
{
    echo "connections {"
    for i in $(seq "$N"); do device "$i"; done
    echo "}"
} >"$RUN/fleet/swanctl.conf"
CHILD_EXTRA="start_action = start" device_conf

# ---- measuring ------------------------------------------------------------------------

slow_gateway() { # THREADS
    gw_conf "$1"
    printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$RUN/slow_signer.so" "$REAL" >"$RUN/slow"
    chmod 755 "$RUN/slow"
    CULVERTD=$RUN/slow daemon gw
}

up() { [ "$(grep -c "$DEVICE_UP" "$RUN/gw.log")" -ge "$1" ]; }
worst_ms() { sed -nE 's|^rtt .* = [0-9.]+/[0-9.]+/([0-9]+)\.?[0-9]*/.*|\1|p' "$RUN/ping.log"; }

# crowd_and_ping: all of the fleet connects, pings go through the first device's tunnel.
crowd_and_ping() {
    : >"$RUN/ping.log"
    daemon dev
    reaches "$DEV" "$APP_IP" || fail "no tunnel to ping through"
    spawn ping "$DEV" ping -q -i 0.02 -W 8 -c "$1" "$APP_IP"
    daemon fleet
}

# ---- in the loop: pings wait for signatures -------------------------------------------

slow_gateway 0
crowd_and_ping 300
wait "$(pid_of ping)"
[ "$(worst_ms)" -ge "$SIGNATURE_MS" ] ||
    fail "signatures in the loop are not seen: worst ping $(worst_ms) ms"
say "$TEST: in the loop: worst ping $(worst_ms) ms"
kill_hard fleet
kill_hard gw
kill_hard dev

# ---- beside it: they do not -----------------------------------------------------------

slow_gateway 1
crowd_and_ping 300
for i in $(seq 12); do
    sleep 0.25
    signal gw HUP
done
until_true 20 up "$N" || fail "only $(grep -c "$DEVICE_UP" "$RUN/gw.log") of $N devices came up"
wait "$(pid_of ping)"
logged gw "nothing reloaded" && fail "a reload failed"
logged ping " 0% packet loss" || fail "the ping through the tunnel lost packets"
[ "$(worst_ms)" -lt "$PING_LIMIT_MS" ] || fail "a ping waited $(worst_ms) ms"
say "$TEST: beside the loop: worst ping $(worst_ms) ms with $N devices and 12 reloads"

# A key that is gone signs no more; who is connected stays.
mv "$RUN/gw/private/gw.pem" "$RUN/gw.key"
signal gw HUP
wait_log gw "reloaded "
kill_hard fleet
daemon fleet
wait_log gw "no key or secret"
ping_once "$DEV" "$APP_IP" || fail "a reload broke a tunnel"

# The end does not wait for those in line.
mv "$RUN/gw.key" "$RUN/gw/private/gw.pem"
kill_hard fleet
signal gw HUP
until_true 5 eval '[ "$(grep -c "reloaded " "$RUN/gw.log")" -ge 14 ]' || fail "no reload"
daemon fleet
sleep 0.5
start=$SECONDS
stop gw || fail "culvertd ended with $? while signatures were made"
[ $((SECONDS - start)) -le 4 ] || fail "the end took $((SECONDS - start)) s"
pass
