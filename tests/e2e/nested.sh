#!/bin/bash
# SAs inside SAs.  Two hosts with AH around ESP: nothing else is on the wire, each half is rekeyed
# under traffic, and without the AH half nothing goes.  Then a tunnel from the device to a host
# behind the gateway inside the tunnel to the gateway, its IKE messages too.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v curl >/dev/null || skip "no curl"

INNER_DEV=10.77.20.1 INNER_APP=10.77.30.1

conf() { # SIDE NAME LOCAL REMOTE ID PEER_ID CHILDREN
    cat <<C
connections {
    $2 {
        local_addrs = $3
        remote_addrs = $4
        local {
            auth = psk
            id = $5
        }
        remote {
            auth = psk
            id = $6
        }
        children {
            $7
        }
    }
}
C
}

pair() { # CHILD_LINES_OF_AUTH CHILD_LINES_OF_DATA
    cat <<C
            auth {
                mode = transport
                ah_proposals = sha256
                local_ts = dynamic[esp]
                remote_ts = dynamic[esp]
                $1
            }
            data {
                mode = transport
                esp_proposals = aes128gcm16
                nested = yes
                $2
            }
C
}

topology direct
ip -n "$DEV" addr add "$INNER_DEV/32" dev lo
ip -n "$APP" addr add "$INNER_APP/32" dev lo
mkdir -p "$RUN/app"
make_data gw
make_data app

# watch NAMESPACE DEVICE EXPRESSION...: counts packets from DEVICE that are none of these.
watch() {
    local ns=$1 dev=$2 e
    shift 2
    {
        echo "table inet watch"
        echo "delete table inet watch"
        echo "table inet watch { chain seen { type filter hook prerouting priority -400;"
        echo "iifname != \"$dev\" accept"
        echo "meta l4proto ipv6-icmp accept"
        for e in "$@"; do echo "$e counter accept"; done
        echo "counter comment \"others\""
        echo "}"; echo "}"
    } | inns "$ns" nft -f - || skip "no nftables"
}
others() { inns "$1" nft list table inet watch | grep -o 'packets [0-9]* .*others'; }
nothing_else() { others "$1" | grep -q '^packets 0 ' || fail "$2: $(inns "$1" nft list table inet watch)"; }
seen() { inns "$1" nft list table inet watch | grep -q "$2 counter packets [1-9]" || fail "no $2"; }

# ---- AH around ESP ----

dev_host() { # CHILD_LINES_OF_AUTH
    conf dev host "$DEV_IP" "$GW_IP" dev.example gw.example "$(pair "$1" 'start_action = start')"
    secrets
}
gw_host() {
    conf gw host "$GW_IP" "$DEV_IP" gw.example dev.example "$(pair '' '')"
    secrets
}
gw_host >"$RUN/gw/swanctl.conf"
serve_data "$GW" "$GW_IP" gw
daemon gw

# what the ESP half seals starts the AH half, and is not lost
dev_host 'start_action = trap' >"$RUN/dev/swanctl.conf"
daemon dev
wait_log dev "Child SA data established"
logged dev "Child SA auth established" && fail "nothing wants the AH half yet"
inns "$DEV" ping -c1 -W3 -q "$GW_IP" >/dev/null || fail "the packet that starts the AH half is lost"
logged dev "Child SA auth established" || fail "no AH half"
stop dev

dev_host 'start_action = start' >"$RUN/dev/swanctl.conf"
daemon dev
logged gw "AH and ESP together are not recommended" || fail "no warning"
wait_log dev "Child SA auth established"
wait_log dev "Child SA data established"
reaches "$DEV" "$GW_IP" || fail "no ping"
watch "$GW" wan "ip protocol ah" "udp dport 500" "udp dport 4500 @th,64,32 0"
fetches "$DEV" "$GW_IP" gw || fail "HTTP"
inns "$DEV" ping -c2 -i0.2 -W1 -q -s 3000 "$GW_IP" >/dev/null || fail "no large ping"
nothing_else "$GW" "something besides AH"
seen "$GW" "ip protocol ah"

rekeyed() { [ "$(grep -c "Child SA $1 rekeyed" "$RUN/dev.log")" -ge "$2" ]; }
if [ -n "$SWANCTL" ]; then
    inns "$DEV" ping -i0.05 -W1 -q -c 100 "$GW_IP" >"$RUN/ping.log" &
    ping=$!
    PIDS+=("$ping")
    for child in auth data; do
        swanctl dev --rekey --child "$child" >/dev/null || fail "rekey $child"
        until_true 5 rekeyed "$child" 1 || fail "$child was not rekeyed"
        swanctl gw --rekey --child "$child" >/dev/null || fail "rekey $child from the other side"
        until_true 5 rekeyed "$child" 2 || fail "$child was not rekeyed by the other side"
    done
    wait "$ping"
    grep -q ' 0% packet loss' "$RUN/ping.log" || fail "rekeying loses packets: $(cat "$RUN/ping.log")"
    nothing_else "$GW" "something besides AH after rekeying"
    swanctl gw --terminate --child auth >/dev/null || fail "terminate"
    ping_once "$DEV" "$GW_IP" && fail "ESP without AH"
    nothing_else "$GW" "something besides AH without the AH half"
fi
stop dev
stop gw
stop www-gw
inns "$GW" nft delete table inet watch

# ---- the same over IPv6 ----

if inns "$DEV" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 &&
    inns "$GW" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 &&
    ip -n "$DEV" addr add "$DEV6/64" dev wan nodad && ip -n "$GW" addr add "$GW6/64" dev wan nodad; then
    DEV_IP=$DEV6 GW_IP=$GW6 dev_host 'start_action = start' >"$RUN/dev/swanctl.conf"
    DEV_IP=$DEV6 GW_IP=$GW6 gw_host >"$RUN/gw/swanctl.conf"
    serve_data "$GW" "$GW6" gw
    daemon gw
    daemon dev
    wait_log dev "Child SA auth established"
    wait_log dev "Child SA data established"
    reaches "$DEV" "$GW6" || fail "no ping over IPv6"
    watch "$GW" wan "meta l4proto ah" "udp dport 500" "udp dport 4500 @th,64,32 0"
    fetches "$DEV" "$GW6" gw || fail "HTTP over IPv6"
    nothing_else "$GW" "something besides AH over IPv6"
    seen "$GW" "meta l4proto ah"
    stop dev
    stop gw
    stop www-gw
    inns "$GW" nft delete table inet watch
else
    say "no IPv6 here"
fi

# ---- a tunnel in a tunnel ----

nested() { # START
    cat <<C
            far {
                local_ts = $INNER_DEV/32
                remote_ts = $INNER_APP/32
                nested = yes
                $1
            }
C
}

CHILD_EXTRA="start_action = start" device_conf
conf dev inner "$DEV_INNER_IP" "$APP_IP" dev.example app.example "$(nested '')" >>"$RUN/dev/swanctl.conf"
cat >>"$RUN/dev/swanctl.conf" <<C
secrets {
    ike-2 {
        id-1 = dev.example
        id-2 = app.example
        secret = 0sFFFFAwQFBgcICQoLDA0ODw==
    }
}
C
gateway_conf
{
    conf app inner "$APP_IP" "$DEV_INNER_IP" app.example dev.example "
            far {
                local_ts = $INNER_APP/32
                remote_ts = $INNER_DEV/32
            }"
    cat <<C
secrets {
    ike-2 {
        id-1 = dev.example
        id-2 = app.example
        secret = 0sFFFFAwQFBgcICQoLDA0ODw==
    }
}
C
} >"$RUN/app/swanctl.conf"
serve_data "$APP" "$INNER_APP" app
daemon gw
daemon app
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" "$DEV_INNER_IP" || fail "the outer tunnel"
watch "$GW" wan "ip protocol esp" "ip saddr $DEV_IP udp dport 500" "ip saddr $DEV_IP udp dport 4500 @th,64,32 0"
CULVERT_RUN_DIR=$RUN/dev/run inns "$DEV" "$CULVERT" up inner >>"$RUN/up.log" 2>&1 || fail "culvert up"
wait_log dev "Child SA far established"
reaches "$DEV" "$INNER_APP" "$INNER_DEV" || fail "no ping through both"
fetches "$DEV" "$INNER_APP" app --interface "$INNER_DEV" || fail "HTTP through both"
nothing_else "$GW" "something besides the outer tunnel"
watch "$APP" lan "ip protocol esp" "udp dport 500" "udp dport 4500 @th,64,32 0"
reaches "$DEV" "$INNER_APP" "$INNER_DEV" || fail "no second ping"
nothing_else "$APP" "the gateway has seen inside"
seen "$APP" "ip protocol esp"
stop gw
ping_once "$DEV" "$INNER_APP" "$INNER_DEV" && fail "a ping without the gateway"
pass
