#!/bin/bash
# culvertd against libreswan's pluto: either side initiates, either side rekeys and deletes.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/lib-others.sh"

unpack libreswan
fake_kernel
topology direct
X=$PEERS/libreswan/usr/libexec/ipsec
O=$RUN/pluto
mkdir -p "$O"/{nss,run,d}
certutil -N -d "sql:$O/nss" --empty-password >/dev/null 2>&1 || skip "no certutil (package libnss3-tools)"
cat >"$O/ipsec.conf" <<C
conn t
    left=$GW_IP
    leftid=@gw.example
    leftsubnet=$APP_NET
    right=$DEV_IP
    rightid=@dev.example
    rightsubnet=$DEV_LAN
    authby=secret
    ikev2=insist
    ike=aes_gcm128-sha2_256-dh19
    esp=aes_gcm128-null
    auto=add
C
echo '@dev.example @gw.example : PSK "interop-secret-0123456789"' >"$O/secrets"
spawn pluto "$GW" env ${PRELOAD:+LD_PRELOAD="$PRELOAD"} PATH="$PEERS/libreswan/usr/sbin:$PATH" sh -c \
    "mount -t tmpfs none /usr/libexec; mkdir /usr/libexec/ipsec; mount --bind $X /usr/libexec/ipsec; exec $X/pluto --config $O/ipsec.conf --nssdir $O/nss --rundir $O/run --secretsfile $O/secrets --ipsecdir $O/d --nofork --stderrlog --log-no-time --no-dnssec"
until_true 10 test -S "$O/run/pluto.ctl" || { alive pluto || { tail -n 3 "$RUN/pluto.log" >&2; skip "pluto does not run on this kernel"; }; fail "pluto does not start"; }
whack() { inns "$GW" timeout 15 "$X/whack" --ctlsocket "$O/run/pluto.ctl" "$@" >>"$RUN/whack.log" 2>&1; }
until_true 5 inns "$GW" "$X/addconn" --config "$O/ipsec.conf" --ctlsocket "$O/run/pluto.ctl" t || fail "addconn"
whack --listen

our_conf aes128gcm16-prfsha256-ecp256 aes128gcm16-ecp256 'mobike = no'
daemon dev
swanctl dev --initiate --child c --timeout 10 >>"$RUN/swanctl.out" 2>&1
expect_up "culvertd initiates"
[ -n "$PRELOAD" ] || pass
swanctl dev --rekey --child c >>"$RUN/swanctl.out" 2>&1 || fail "rekey of the child"
until_true 10 logged dev 'Child SA c rekeyed' || fail "libreswan did not take our child rekey"
swanctl dev --rekey --ike t >>"$RUN/swanctl.out" 2>&1 || fail "rekey of the IKE SA"
until_true 10 logged dev 'IKE SA rekeyed' || fail "libreswan did not take our IKE rekey"
until_true 10 child_up || fail "the child was lost in the IKE rekey"
say "  culvertd rekeys child and IKE SA"
swanctl dev --terminate --ike t >>"$RUN/swanctl.out" 2>&1
until_true 10 no_ike || fail "delete by culvertd"
whack --initiate --name t
expect_up "libreswan initiates"
whack --terminate --name t
until_true 10 no_ike || fail "delete by libreswan"
say "  deletes from either side"
pass
