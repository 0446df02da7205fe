#!/bin/bash
# A device gets an address and a DNS server from the gateway's pool, and its updown script runs
# at both ends with what strongSwan's would get.  A second run gets the same address.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

topology nat
VIP=10.77.20.1
updown() { # SIDE: a script that notes what it was told
    printf '#!/bin/sh\nenv | grep ^PLUTO_ | sort | tr "\\n" " " >>%s\necho >>%s\n' \
        "$RUN/updown-$1" "$RUN/updown-$1" >"$RUN/$1/updown"
    chmod 755 "$RUN/$1/updown"
    echo "updown = $RUN/$1/updown"
}
cat >"$RUN/gw/swanctl.conf" <<C
connections {
    devices {
        local_addrs = $GW_IP
        pools = fleet
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
                $(updown gw)
            }
        }
    }
}
pools {
    fleet {
        addrs = 10.77.20.0/24
        dns = 10.77.3.53
        dns_domain = corp.example, lab
        subnet = 10.77.0.0/16
    }
}
$(secrets)
C
cat >"$RUN/dev/swanctl.conf" <<C
connections {
    home {
        remote_addrs = $GW_IP
        vips = 0.0.0.0
        local {
            auth = psk
            id = dev.example
        }
        remote {
            auth = psk
            id = gw.example
        }
        children {
            net {
                remote_ts = $APP_NET
                start_action = start
                $(updown dev)
            }
        }
    }
}
$(secrets)
C
cat >>"$RUN/dev/swanctl.conf" <<C
culvert {
    dns = $RUN/dns
}
C
printf '#!/bin/sh\necho "$*" >>%s/dns.log\nexec %s/packaging/updown/dns "$@"\n' "$RUN" "$ROOT" >"$RUN/dns"
chmod +x "$RUN/dns"
# ip netns exec shows the files of /etc/netns/NAME in /etc
mkdir -p "/etc/netns/$DEV"
AT_EXIT='rm -rf "/etc/netns/$DEV"; rmdir /etc/netns 2>/dev/null'
printf '# of the host\nnameserver 192.0.2.1\n' >"/etc/netns/$DEV/resolv.conf"
resolver() { head -1 "/etc/netns/$DEV/resolv.conf" | grep -q "^nameserver 10.77.3.53 # by culvert culvert0$"; }
untouched() { [ "$(cat "/etc/netns/$DEV/resolv.conf")" = "$(printf '# of the host\nnameserver 192.0.2.1')" ]; }
told() { grep -q -- "$2" "$RUN/updown-$1" 2>/dev/null; }

# Domains (RFC 8598): systemd-resolved asks these servers about them alone.
mkdir -p "$RUN/bin"
printf '#!/bin/sh\necho "$*" >>%s/resolvectl.log\n' "$RUN" >"$RUN/bin/resolvectl"
chmod +x "$RUN/bin/resolvectl"
PATH=$RUN/bin:$PATH "$ROOT/packaging/updown/dns" up culvert9 10.0.0.1 '~corp.example'
PATH=$RUN/bin:$PATH "$ROOT/packaging/updown/dns" up culvert9 10.0.0.1
printf '%s\n' 'status culvert9' 'dns culvert9 10.0.0.1' 'domain culvert9 ~corp.example' 'default-route culvert9 no' \
    'status culvert9' 'dns culvert9 10.0.0.1' 'domain culvert9 ' 'default-route culvert9 yes' | diff - "$RUN/resolvectl.log" >&2 || fail "what systemd-resolved is told"

daemon gw
daemon dev
wait_log dev "Child SA net established"
wait_log dev "peer assigned $VIP, DNS 10.77.3.53"
inns "$DEV" ip -4 addr show | grep -q "$VIP/32" || fail "no virtual address on the device"
reaches "$DEV" "$APP_IP" || fail "no ping from the virtual address"
reaches "$APP" "$VIP" || fail "no ping to the virtual address"
until_true 5 told dev PLUTO_VERB=up-client || fail "no updown on the device"
told dev "PLUTO_MY_SOURCEIP=$VIP" || fail "updown: $(cat "$RUN/updown-dev")"
told dev "PLUTO_DNS4_1=10.77.3.53" || fail "updown: $(cat "$RUN/updown-dev")"
until_true 5 told gw "PLUTO_PEER_SOURCEIP=$VIP" || fail "updown: $(cat "$RUN/updown-gw")"
told gw "PLUTO_PEER_ID=dev.example" || fail "updown: $(cat "$RUN/updown-gw")"

until_true 5 resolver || fail "resolv.conf: $(cat "/etc/netns/$DEV/resolv.conf")"
grep -q '^up culvert0 10.77.3.53 ~corp.example ~lab$' "$RUN/dns.log" || fail "no domains: $(cat "$RUN/dns.log")"
grep -q "nameserver 192.0.2.1" "/etc/netns/$DEV/resolv.conf" || fail "the host's own server is gone"

stop dev || fail "culvertd (dev) ended with $?"
untouched || fail "resolv.conf at the end: $(cat "/etc/netns/$DEV/resolv.conf")"
told dev PLUTO_VERB=down-client || fail "no updown at the end"
until_true 5 told gw PLUTO_VERB=down-client || fail "no updown on the gateway at the end"
daemon dev
wait_log dev "peer assigned $VIP"
until_true 5 resolver || fail "no DNS server the second time"
kill_hard dev
daemon dev
wait_log dev "peer assigned $VIP"
until_true 5 resolver || fail "no DNS server after a crash"
[ "$(grep -c culvert0 "/etc/netns/$DEV/resolv.conf")" -eq 1 ] || fail "$(cat "/etc/netns/$DEV/resolv.conf")"
inns "$DEV" ip link set culvert0 mtu 1300 || fail "no culvert0"
stop gw || fail "culvertd (gw) ended with $?"
wait_log dev "peer deleted the SA"
until_true 5 untouched || fail "a server outlives its lease: $(cat "/etc/netns/$DEV/resolv.conf")"
inns "$DEV" ip -4 addr show | grep -q "$VIP" && fail "the address outlives the IKE SA"
pass
