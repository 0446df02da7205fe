#!/bin/bash
# A million packets with one bit changed and a million replayed, on a live SA under its usual
# traffic: none gets through.  The attacker has 64 packets that the gateway has not had, so what
# it changes is refused for the change and not as a replay.  Afterwards each of the 64 passes,
# once.  That is ESP in UDP; raw ESP and AH get a fifth of it.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

KEPT=64 PINGS=30
SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
MILLION=${MILLION:-1000000}
"${CC:-cc}" -std=gnu17 -O2 -o "$RUN/attacker" "$E2E_DIR/attacker.c" || skip "no compiler"
topology direct

attacker() { inns "$DEV" "$RUN/attacker" "$@"; }
arrived() { inns "$APP" awk '/^Ip:/ && ++n == 2 { print $4 }' /proc/net/snmp; } # IP packets

# What the gateway refused since it started, by the counters' names.
refused() { # NAMES
    "$CULVERT" status --json --run-dir "$RUN/gw/run" | awk -F'[":, ]+' -v names="^($1)\$" '
        /"errors"/ { inside = 1 } /}/ { inside = 0 }
        inside && $2 ~ names { n += $3 } END { print n + 0 }'
}
ANY='unknown_spi|replay|icv|short|malformed|limit|version|fragment|next_header|encapsulation'

# What the device sends meanwhile never arrives; the attacker, on the device's link, has it.
keep_packets() { # PROTOCOL
    inns "$GW" nft add table ip hold
    inns "$GW" nft add chain ip hold in '{ type filter hook prerouting priority -300; }'
    inns "$GW" nft add rule ip hold in ip protocol "$1" drop
    : >"$RUN/keep.log"
    spawn keep "$DEV" "$RUN/attacker" keep wan "$1" $KEPT "$RUN/frames"
    wait_log keep listening
    inns "$DEV" bash -c "for n in {1..$KEPT}; do head -c \$((n * 8)) /dev/zero >/dev/udp/$APP_IP/9; done"
    wait "$(pid_of keep)" || fail "$NAME: no packets to keep"
    inns "$GW" nft delete table ip hold
}

# Sends until the gateway has seen so many, under pings.  Nothing but the pings comes out.
attack() { # flip|replay COUNT QUEUE
    local before total=0 goal round
    before=$(arrived) goal=$(($(refused "$ANY") + $2))
    : >"$RUN/ping.log"
    spawn ping "$DEV" ping -i 0.1 -c $PINGS -W 10 -q "$APP_IP"
    for round in 1 2 3 4 5; do # the kernel may have lost some
        attacker "$1" wan "$RUN/frames" $((goal - $(refused "$ANY"))) $((SEED + round)) "$3" \
            >>"$RUN/attack.log" 2>&1 || fail "$NAME: the attack itself"
        until_true 2 eval '[ $(refused "$ANY") -ge $goal ]' && break
    done
    [ "$(refused "$ANY")" -ge $goal ] || fail "$NAME: $1: $((goal - $(refused "$ANY"))) were not seen"
    wait "$(pid_of ping)"
    grep -q " $PINGS received" "$RUN/ping.log" || fail "$NAME: $1: pings are lost"
    [ $(($(arrived) - before)) -eq $PINGS ] ||
        fail "$NAME: $1: $(($(arrived) - before - PINGS)) packets came out"
}

million() { # NAME PROTOCOL COUNT QUEUE CHILD_EXTRA
    local before name
    NAME=$1 CHILD_EXTRA=$5
    gateway_conf
    CHILD_EXTRA="$5
                start_action = start" device_conf
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    reaches "$DEV" "$APP_IP" || fail "$NAME: no ping"
    set -- "$1" "$2" "$3" "/proc/$(pid_of gw)/net/$4"
    keep_packets "$2"

    attack flip "$3" "$4"
    for name in unknown_spi replay icv; do
        [ "$(refused $name)" -gt 0 ] || fail "$NAME: none was refused as $name"
    done
    before=$(arrived)
    attacker replay wan "$RUN/frames" $KEPT 1 "$4" >>"$RUN/attack.log"
    until_true 5 eval '[ $(arrived) -eq $((before + KEPT)) ]' ||
        fail "$NAME: $(($(arrived) - before)) of $KEPT packets pass unchanged"
    before=$(refused replay)
    attack replay "$3" "$4"
    [ $(($(refused replay) - before)) -eq "$3" ] || fail "$NAME: not every replay was refused as one"

    stop dev || fail "$NAME: culvertd (dev) ended with $?"
    stop gw || fail "$NAME: culvertd (gw) ended with $?"
    say "$TEST: $NAME ok: $(grep changed "$RUN/attack.log" | tail -n 1)"
}

# the sockets' queues: port 4500, protocols 50 and 51
CONN_EXTRA="encap = yes" million "ESP in UDP" udp "$MILLION" udp:1194 ""
million "ESP" esp $((MILLION / 5)) raw:0032 ""
million "AH" ah $((MILLION / 5)) raw:0033 "ah_proposals = sha256"
pass
