# strongSwan's charon as a peer.  Sourced after ../e2e/lib.sh.
# SPDX-License-Identifier: Apache-2.0
#
# charon carries data with its kernel-libipsec plugin: ESP tunnel mode in UDP.  Each one runs
# in its network namespace and in a mount namespace with its own /run and configuration.

CHARON=$(command -v charon-systemd || echo /usr/sbin/charon-systemd)
[ -x "$CHARON" ] || skip "no charon-systemd (packages charon-systemd strongswan-swanctl libcharon-extra-plugins)"
[ -n "$SWANCTL" ] || skip "no swanctl"

# charon SIDE, with plugins CHARON_MORE and lines CHARON_LINES besides: with $RUN/SIDE/swanctl.conf; loads it.
charon() {
    local side=$1 ns=$P-$1
    mkdir -p "$RUN/$side"
    cat >"$RUN/$side/strongswan.conf" <<C
charon-systemd {
    load = random nonce drbg openssl sha1 sha2 hmac kdf curve25519 pem pkcs1 pkcs8 pubkey x509 constraints kernel-libipsec kernel-netlink socket-default vici updown counters ${CHARON_MORE:-}
    retransmit_timeout = 1.0
    retransmit_tries = 3
    install_routes = yes
    ${CHARON_LINES:-}
    plugins {
        vici {
            socket = unix://$RUN/$side/vici
        }
    }
    filelog {
        stderr {
            default = 1
            ike = 2
        }
    }
    journal {
        default = -1
    }
}
swanctl {
    load = pem pkcs1 pkcs8 x509 openssl random nonce sha2 hmac
}
C
    rm -f "$RUN/$side/vici"
    spawn "charon-$side" "$ns" env STRONGSWAN_CONF="$RUN/$side/strongswan.conf" \
        sh -c 'mount -t tmpfs none /run && exec '"$CHARON"
    until_true 10 charonctl "$side" --stats || fail "charon ($side) does not start"
    charonctl "$side" --load-all >"$RUN/$side/load.log" 2>&1 || { cat "$RUN/$side/load.log" >&2; fail "charon ($side) does not load its configuration"; }
}

# charonctl SIDE ARGUMENT...: swanctl towards charon.
charonctl() {
    local side=$1
    shift
    inns "$P-$side" env STRONGSWAN_CONF="$RUN/$side/strongswan.conf" SWANCTL_DIR="$RUN/$side" \
        "$SWANCTL" "$@" --uri "unix://$RUN/$side/vici" 2>>"$RUN/charonctl.log"
}

charon_mtu() { inns "$P-$1" ip link set ipsec0 mtu 1400; }

# certificates KIND: a CA and one certificate a side, for culvert and charon alike, in
# $RUN/{dev,gw}/{x509,x509ca,private}.  KIND is ecdsa, ecdsa384, rsa or ed25519.
certificates() {
    local kind=$1 side d=$RUN/pki
    mkdir -p "$d"
    new_key() {
        case $kind in
            ecdsa) openssl ecparam -name prime256v1 -genkey -noout -out "$1" ;;
            ecdsa384) openssl ecparam -name secp384r1 -genkey -noout -out "$1" ;;
            rsa) openssl genrsa -out "$1" 2048 ;;
            ed25519) openssl genpkey -algorithm ed25519 -out "$1" ;;
        esac 2>/dev/null
    }
    new_key "$d/ca.key"
    openssl req -x509 -new -key "$d/ca.key" -subj "/O=Fleet/CN=Fleet CA $kind" -days 30 -out "$d/ca.pem" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        2>/dev/null || fail "openssl req"
    for side in dev gw; do
        mkdir -p "$RUN/$side"/{x509,x509ca,private}
        new_key "$RUN/$side/private/own.pem"
        openssl req -new -key "$RUN/$side/private/own.pem" -subj "/O=Fleet/CN=$side" -out "$d/$side.csr" 2>/dev/null
        printf 'subjectAltName=DNS:%s.example\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n' "$side" >"$d/ext"
        openssl x509 -req -in "$d/$side.csr" -CA "$d/ca.pem" -CAkey "$d/ca.key" -CAcreateserial -days 20 \
            -extfile "$d/ext" -out "$RUN/$side/x509/own.pem" 2>/dev/null || fail "openssl x509"
        cp "$d/ca.pem" "$RUN/$side/x509ca/ca.pem"
    done
}

# auth_psk / auth_cert: the local and remote sections of SIDE.
auth() { # SIDE psk|cert
    local side=$1 other=gw
    [ "$side" = gw ] && other=dev
    if [ "$2" = psk ]; then
        printf 'local {\n auth = psk\n id = %s.example\n }\n remote {\n auth = psk\n id = %s.example\n }\n' "$side" "$other"
    else
        printf 'local {\n auth = pubkey\n certs = own.pem\n id = %s.example\n }\n remote {\n auth = pubkey\n id = %s.example\n }\n' "$side" "$other"
    fi
}

# write_conf SIDE psk|cert [CONN_LINES [CHILD_LINES]]: device (with a virtual address) or gateway (with a pool).
write_conf() {
    local side=$1 how=$2 conn=${3:-} child=${4:-} addrs pools=
    mkdir -p "$RUN/$side"
    if [ "$side" = dev ]; then
        addrs="remote_addrs = $GW_IP
        vips = 0.0.0.0"
        child="remote_ts = $APP_NET
                $child"
    else
        addrs="local_addrs = $GW_IP
        pools = fleet"
        child="local_ts = $APP_NET
                $child"
        pools="pools {
    fleet {
        addrs = 10.99.0.0/24
        dns = $APP_IP
    }
}"
    fi
    cat >"$RUN/$side/swanctl.conf" <<C
connections {
    t {
        version = 2
        mobike = no
        encap = yes
        $addrs
        $conn
        $(auth "$side" "$how")
        children {
            c {
                $child
            }
        }
    }
}
secrets {
    ike-1 {
        id-1 = dev.example
        id-2 = gw.example
        secret = $PSK
    }
}
$pools
C
}

vip_of() { inns "$DEV" ip -o -4 addr show | sed -nE 's/.* (10\.99\.0\.[0-9]+)\/.*/\1/p' | head -n 1; }

# steady NAME NAMESPACE ADDRESS COUNT: pings in the background, one each 50 ms.
steady() {
    local name=$1 ns=$2
    inns "$ns" ping -i 0.05 -c "$4" -W 1 -q "$3" >"$RUN/$name.ping" 2>&1 &
    STEADY=$!
}
# lossless NAME: waits for the pings of steady and wants every answer.
lossless() {
    wait "$STEADY"
    grep -qE ' 0% packet loss' "$RUN/$1.ping" || fail "$1: $(grep -E 'packet loss' "$RUN/$1.ping")"
    say "  $1: $(grep -oE '[0-9]+ packets transmitted, [0-9]+ received' "$RUN/$1.ping")"
}
