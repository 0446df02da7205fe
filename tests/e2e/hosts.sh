#!/bin/bash
# Two plain hosts protect everything between them, in transport mode and in a tunnel with the
# outer addresses inside, with ESP and with AH, over IPv4 and IPv6.  The programs at both ends know nothing of it:
# ping, HTTP with 10 MB each way, UDP datagrams larger than any link's MTU.  Nothing is seen in
# the clear.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"
command -v curl >/dev/null || skip "no curl"

topology hosts
make_data dev
make_data gw

watch() { # counts what comes to the gateway's host in the clear
    inns "$GW" nft -f - <<N
table inet watch
delete table inet watch
table inet watch {
    chain clear { type filter hook prerouting priority 0;
        iifname "wan" icmp type { echo-request, echo-reply } counter
        iifname "wan" icmpv6 type { echo-request, echo-reply } counter
        iifname "wan" meta l4proto tcp counter
        iifname "wan" udp dport 7007 counter
        iifname "wan" meta l4proto $1 counter comment "protected"
    }
}
N
}

# hops_arrive ADDRESS: a hop limit that a program chose is the one that arrives (RFC 5082).
hops_arrive() {
    local word="ip ttl 9 icmp type echo-request"
    case $1 in *:*) word="ip6 hoplimit 9 icmpv6 type echo-request" ;; esac
    inns "$GW" nft "table inet hops { chain in { type filter hook input priority 0; $word counter; }; }"
    inns "$DEV" ping -c2 -i0.2 -W2 -q -t 9 "$1" >/dev/null || fail "$NAME: no ping with a hop limit of 9"
    inns "$GW" nft list table inet hops | grep -q "counter packets 2 " ||
        fail "$NAME: another hop limit arrives: $(inns "$GW" nft list table inet hops)"
    inns "$GW" nft delete table inet hops
}

between() { # NAME DEV_ADDR GW_ADDR PROTOCOL LINES
    local seen
    NAME=$1
    watch "$4"
    host_conf dev "$2" "$3" "$5
                start_action = start"
    host_conf gw "$3" "$2" "$5"
    daemon gw
    daemon dev
    wait_log dev "Child SA net established"
    wait_log gw "Child SA net established"
    swanctl dev --list-sas | grep -qi "INSTALLED, ${NAME%% *}" ||
        fail "$NAME: $(swanctl dev --list-sas)"
    reaches "$DEV" "$3" || fail "$NAME: no ping"
    reaches "$GW" "$2" || fail "$NAME: no ping back"
    case "$NAME $4" in transport*esp | transport*udp) hops_arrive "$3" ;; esac
    inns "$DEV" ping -c2 -i0.2 -W2 -q -s 3000 "$3" >/dev/null || fail "$NAME: no large ping"
    carries_data "$NAME" "$GW" "$3" gw "$DEV" "$2" dev
    seen=$(inns "$GW" nft list table inet watch)
    [ "$(grep -c 'counter packets 0' <<<"$seen")" = 4 ] || fail "$NAME: in the clear: $seen"
    grep -q "packets 0 .*protected" <<<"$seen" && fail "$NAME: nothing protected: $seen"
    stop dev || fail "$NAME: culvertd (dev) ended with $?"
    stop gw || fail "$NAME: culvertd (gw) ended with $?"
    say "$TEST: $NAME ok"
}

for mode in ${E2E_MODES:-transport tunnel}; do
    between "$mode 4" "$DEV_DIRECT_IP" "$GW_IP" esp "mode = $mode"
    between "$mode 6" "$DEV6" "$GW6" esp "mode = $mode"
done
for mode in ${E2E_MODES:-transport tunnel}; do
    lines="mode = $mode
                ah_proposals = sha256"
    between "$mode 4 AH" "$DEV_DIRECT_IP" "$GW_IP" ah "$lines"
    between "$mode 6 AH" "$DEV6" "$GW6" ah "$lines"
done
CONN_EXTRA="encap = yes" between "transport 4 in UDP" "$DEV_DIRECT_IP" "$GW_IP" udp "mode = transport"

# A narrower link between them: what does not fit is fragmented or told.
for ns in "$DEV" "$GW"; do ip -n "$ns" link set wan mtu 1280; done
between "transport on 1280" "$DEV_DIRECT_IP" "$GW_IP" esp "mode = transport"
between "transport 6 on 1280" "$DEV6" "$GW6" esp "mode = transport"
between "transport AH on 1280" "$DEV_DIRECT_IP" "$GW_IP" ah "mode = transport
                ah_proposals = sha256"
between "tunnel on 1280" "$DEV_DIRECT_IP" "$GW_IP" esp "mode = tunnel"
between "tunnel AH on 1280" "$DEV_DIRECT_IP" "$GW_IP" ah "mode = tunnel
                ah_proposals = sha256"

# Traps between hosts: the first packet brings the SA up and goes through it.
NAME="transport trap"
watch esp
host_conf dev "$DEV_DIRECT_IP" "$GW_IP" "mode = transport
                start_action = trap"
host_conf gw "$GW_IP" "$DEV_DIRECT_IP" "mode = transport"
daemon gw
daemon dev
inns "$DEV" ping -c1 -W3 -q "$GW_IP" >/dev/null || fail "$NAME: the first packet is lost"
wait_log dev "traffic wants the tunnel"
[ "$(inns "$GW" nft list table inet watch | grep -c 'counter packets 0')" = 4 ] ||
    fail "$NAME: in the clear"
pass
