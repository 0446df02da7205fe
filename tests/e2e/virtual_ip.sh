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
told() { grep -q -- "$2" "$RUN/updown-$1" 2>/dev/null; }

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

stop dev || fail "culvertd (dev) ended with $?"
told dev PLUTO_VERB=down-client || fail "no updown at the end"
until_true 5 told gw PLUTO_VERB=down-client || fail "no updown on the gateway at the end"
daemon dev
wait_log dev "peer assigned $VIP"
inns "$DEV" ip link set culvert0 mtu 1300 || fail "no culvert0"
stop gw || fail "culvertd (gw) ended with $?"
wait_log dev "peer deleted the SA"
inns "$DEV" ip -4 addr show | grep -q "$VIP" && fail "the address outlives the IKE SA"
pass
