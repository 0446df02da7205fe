# libreswan's pluto and OpenIKED's iked as peers.  Sourced after ../e2e/lib.sh.
# SPDX-License-Identifier: Apache-2.0
#
# Their packages conflict with strongSwan's, so they are unpacked beside the build, not
# installed.  Both insist on a kernel with ESP.  Where ../shared/lab/fakexfrm.c is at hand, a
# preload answers in the kernel's place, so that Child SAs are negotiated as well; no packet
# is protected by it.  Without it the tests end with the IKE SA.

PEERS=$ROOT/build/peers
DEV_LAN=10.81.1.0/24 # behind our side; theirs is APP_NET

# unpack PACKAGE: into $PEERS/PACKAGE.
unpack() {
    [ -d "$PEERS/$1" ] && return
    mkdir -p "$PEERS/deb"
    (cd "$PEERS/deb" && apt-get download "$1") >"$RUN/unpack.log" 2>&1 ||
        skip "package $1 cannot be downloaded"
    dpkg -x "$PEERS"/deb/"$1"_*.deb "$PEERS/$1.new" && mv "$PEERS/$1.new" "$PEERS/$1"
}

fake_kernel() { # sets PRELOAD
    local source=$ROOT/../shared/lab/fakexfrm.c
    PRELOAD=
    [ -f "$source" ] || return 0
    gcc -shared -fPIC -O2 -pthread -o "$RUN/fakexfrm.so" "$source" -ldl 2>>"$RUN/unpack.log" &&
        PRELOAD=$RUN/fakexfrm.so
}

# our_conf SIDE PROPOSALS ESP_PROPOSALS [CONN_LINES]
our_conf() {
    cat >"$RUN/dev/swanctl.conf" <<C
connections {
    t {
        version = 2
        local_addrs = $DEV_IP
        remote_addrs = $GW_IP
        proposals = $1
        ${3:-}
        local {
            auth = psk
            id = dev.example
        }
        remote {
            auth = psk
            id = gw.example
        }
        children {
            c {
                local_ts = $DEV_LAN
                remote_ts = $APP_NET
                esp_proposals = $2
            }
        }
    }
}
secrets {
    ike-1 {
        id-1 = dev.example
        id-2 = gw.example
        secret = interop-secret-0123456789
    }
}
culvert {
    retransmit_timeout = 1s
    retransmit_tries = 3
}
C
}

ike_up() { swanctl dev --list-sas --raw | grep -q 'state=ESTABLISHED'; }
child_up() { swanctl dev --list-sas --raw | grep -q 'state=INSTALLED'; }
no_ike() { ! swanctl dev --list-sas --raw | grep -q 'list-sa event'; }

# expect_up WHO-INITIATED: IKE SA, and the Child SA where the fake kernel makes that possible.
expect_up() {
    if [ -z "$PRELOAD" ]; then # the peer ends it again at once: it cannot install a Child SA
        wait_log dev 'IKE SA established' 15
        say "  $1: IKE SA up; no Child SA without a kernel for the peer"
        return
    fi
    until_true 15 ike_up || fail "$1: no IKE SA"
    until_true 10 child_up || fail "$1: no Child SA"
    say "  $1: IKE SA and Child SA up"
}
