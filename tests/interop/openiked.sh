#!/bin/bash
# culvertd against OpenIKED's iked: either side initiates.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/lib-others.sh"

unpack openiked
fake_kernel
topology direct
IKED=$PEERS/openiked/usr/sbin/iked
O=$RUN/iked

# iked active|passive
iked() {
    rm -rf "$O"
    mkdir -p "$O"/etc/iked/{private,pubkeys/{fqdn,ipv4,ipv6,ufqdn},ca,certs,crls,ocsp} "$O/empty"
    openssl ecparam -name prime256v1 -genkey -noout -out "$O/etc/iked/private/local.key" 2>/dev/null
    openssl ec -in "$O/etc/iked/private/local.key" -pubout -out "$O/etc/iked/local.pub" 2>/dev/null
    cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/hosts /etc/ld.so.cache "$O/etc/"
    chmod 755 "$O" "$O/empty" "$RUN"
    grep -q '^_iked:' "$O/etc/passwd" || {
        echo "_iked:x:63999:63999::$O/empty:/usr/sbin/nologin" >>"$O/etc/passwd"
        echo "_iked:x:63999:" >>"$O/etc/group"
    }
    cat >"$O/iked.conf" <<C
ikev2 "t" $1 esp from $APP_NET to $DEV_LAN local $GW_IP peer $DEV_IP \\
    ikesa auth hmac-sha2-256 enc aes-128 prf hmac-sha2-256 group ecp256 \\
    childsa enc aes-128 auth hmac-sha2-256 noesn \\
    srcid gw.example dstid dev.example psk "interop-secret-0123456789"
C
    chmod 600 "$O/iked.conf"
    rm -f "$RUN/iked.log"
    spawn iked "$GW" env ${PRELOAD:+LD_PRELOAD="$PRELOAD"} sh -c \
        "mount -t tmpfs none /run && mount --bind $O/etc /etc && exec $IKED -dvv -f $O/iked.conf"
    sleep 2
    alive iked && return
    tail -n 5 "$RUN/iked.log" >&2
    skip "iked does not run on this kernel"
}

our_conf aes128-sha256-ecp256 aes128-sha256
daemon dev
iked passive
swanctl dev --initiate --child c --timeout 10 >>"$RUN/swanctl.out" 2>&1
expect_up "culvertd initiates"
swanctl dev --terminate --ike t >>"$RUN/swanctl.out" 2>&1
until_true 15 no_ike || fail "delete by culvertd"
stop iked
iked active
expect_up "iked initiates"
stop iked
until_true 20 no_ike || say "  iked ends without a delete"
pass
