#!/bin/bash
# culvertd against strongSwan's charon: initiator and responder, PSK and certificates, a NAT
# between, virtual address, rekeying and deletes from either side under ping, DPD.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/lib-charon.sh"

ours() { local side=$1; shift; swanctl "$side" "$@" >>"$RUN/swanctl.out" 2>&1; }
theirs() { local side=$1; shift; charonctl "$side" "$@" >>"$RUN/charonctl.out" 2>&1; }
end_both() { # culvertd SIDE, charon SIDE
    stop "$1"; stop "charon-$2"
    rm -rf "$RUN/$1/run"
    cat "$RUN/$1.log" >>"$RUN/$1.earlier" && rm "$RUN/$1.log"
    ip -n "$P-$2" link del ipsec0 2>/dev/null
    inns "$NAT" conntrack -F >/dev/null 2>&1 || true
}
child_count() { "$1" "$2" --list-sas --raw 2>/dev/null | grep -o 'state=INSTALLED' | wc -l; }
has_one_child() { [ "$(child_count "$@")" = 1 ]; }
no_sas() { [ -z "$("$1" "$2" --list-sas --raw 2>/dev/null | grep -o 'list-sa event')" ]; }

# exercise OURS THEIRS: rekeys from each side under ping, then a delete of the child from each side.
exercise() {
    local us=$1 them=$2 n=0 who what
    for who in ours theirs; do
        for what in child ike; do
            local name="$us: $what rekey by $who"
            steady "$us-$what-$who" "$DEV" "$APP_IP" 60
            sleep 0.6
            if [ "$who" = ours ]; then
                ours "$us" --rekey --$what "$([ $what = child ] && echo c || echo t)" || fail "$name: swanctl --rekey"
            else
                theirs "$them" --rekey --$what "$([ $what = child ] && echo c || echo t)" || fail "$name: swanctl --rekey"
            fi
            lossless "$us-$what-$who"
            until_true 10 has_one_child swanctl "$us" || fail "$name: $(swanctl "$us" --list-sas)"
        done
    done
    [ "$(grep -c 'rekeyed' "$RUN/$us.log")" -ge 4 ] || say "  (the log names $(grep -c rekeyed "$RUN/$us.log") rekeys)"
}

# up SIDE-THAT-INITIATES: by ours or theirs
bring_up() { # culvert|charon
    if [ "$1" = culvert ]; then
        ours dev --initiate --child c || { tail -n 5 "$RUN/swanctl.out" >&2; fail "culvertd cannot initiate"; }
    else
        theirs dev --initiate --child c --timeout 10 || { tail -n 5 "$RUN/charonctl.out" >&2; fail "charon cannot initiate"; }
        charon_mtu dev
    fi
    reaches "$DEV" "$APP_IP" || fail "no ping through the tunnel"
}

delete_each_way() { # OURS THEIRS INITIATOR
    theirs "$2" --terminate --child c || fail "charon cannot delete the child"
    until_true 10 sh -c "! ip netns exec $P-$1 $SWANCTL --list-sas --raw --uri unix://$RUN/$1/run/vici.sock 2>/dev/null | grep -q INSTALLED" || fail "culvertd keeps a deleted child"
    bring_up "$3"
    ours "$1" --terminate --child c || fail "culvertd cannot delete the child"
    bring_up "$3"
    theirs "$2" --terminate --ike t || fail "charon cannot delete the IKE SA"
    until_true 10 no_sas swanctl "$1" || fail "culvertd keeps a deleted IKE SA"
    bring_up "$3"
    ours "$1" --terminate --ike t || fail "culvertd cannot delete the IKE SA"
    until_true 10 no_sas charonctl "$2" || fail "charon keeps a deleted IKE SA"
}

topology nat

say "culvertd initiates, PSK, NAT, virtual address"
write_conf dev psk
write_conf gw psk
charon gw
daemon dev
bring_up culvert
charon_mtu gw
[ -n "$(vip_of)" ] || fail "no virtual address"
exercise dev gw
delete_each_way dev gw culvert
end_both dev gw

say "charon initiates, PSK, NAT, virtual address"
daemon gw
charon dev
bring_up charon
exercise gw dev
delete_each_way gw dev charon
end_both gw dev

say "DPD: charon vanishes"
write_conf dev psk "dpd_delay = 2s"
printf 'culvert {\n    retransmit_timeout = 1s\n    retransmit_tries = 2\n}\n' >>"$RUN/dev/swanctl.conf"
charon gw
daemon dev
bring_up culvert
kill_hard charon-gw
until_true 40 no_sas swanctl dev || fail "culvertd does not notice that charon has vanished"
end_both dev gw 2>/dev/null

for kind in ecdsa rsa ecdsa384 ed25519; do
    say "certificates: $kind, culvertd initiates, then charon"
    certificates $kind
    write_conf dev cert
    write_conf gw cert
    charon gw
    daemon dev
    bring_up culvert
    ours dev --terminate --ike t
    end_both dev gw
    daemon gw
    charon dev
    bring_up charon
    end_both gw dev
done
pass
