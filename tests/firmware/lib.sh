# A board in QEMU behind a NAT, its gateway, and the services behind that.  Sourced after
# ../e2e/lib.sh by bash scripts.
# SPDX-License-Identifier: Apache-2.0
#
#   board (10.77.1.2, then .3) -- tap -- nat (10.77.1.1, 10.77.2.1) -- (10.77.2.2) gw (10.77.3.1) -- (10.77.3.2) app

FIRMWARE=${FIRMWARE:-$ROOT/build-firmware}
DEV_NET=10.77.1.0/24
PSK_OCTETS="{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}"
QEMU=$(command -v qemu-system-arm || true)
[ -n "$QEMU" ] || skip "no qemu-system-arm"
command -v arm-none-eabi-gcc >/dev/null || skip "no arm-none-eabi-gcc"
"$ROOT/packaging/sources.sh" "$FIRMWARE/sources" lwip bearssl || skip "no sources of lwIP and BearSSL"
command -v mosquitto >/dev/null || skip "no mosquitto"

network() {
    namespace "$NAT"
    namespace "$GW"
    namespace "$APP"
    veth "$NAT" out "$NAT_OUT_IP" "$GW" wan "$GW_IP"
    veth "$GW" lan "$GW_LAN_IP" "$APP" eth0 "$APP_IP"
    ip -n "$APP" route add default via "$GW_LAN_IP"
    inns "$NAT" ip tuntap add dev in mode tap
    ip -n "$NAT" addr add "$NAT_IN_IP/24" dev in
    ip -n "$NAT" link set in up
}

# gateway_conf LOCAL REMOTE [IDENTITY]: swanctl.conf's lines of the authentication of both sides.
gateway_conf() {
    cat <<C
connections {
    devices {
        local_addrs = $GW_IP
        proposals = aes128gcm16-prfsha256-x25519
        pools = fleet
        local {
            $1
            id = gw.example
        }
        remote {
            $2
            id = ${3:-sensor-17}
        }
        children {
            net {
                local_ts = $APP_NET
                esp_proposals = aes128gcm16
            }
        }
    }
}
pools {
    fleet {
        addrs = 10.77.20.0/24
        dns = $APP_IP
    }
}
C
}

psk_secret() {
    cat <<C
secrets {
    ike {
        id = sensor-17
        secret = $PSK
    }
}
C
}

# device_conf DEFINITION...: what the firmware is built with.
device_conf() {
    printf '#define %s\n' 'CULVERT_DEVICE_NAME "sensor-17"' 'CULVERT_GATEWAY_NAME "gw.example"' \
        "CULVERT_GATEWAY_ADDRESS \"$GW_IP\"" 'DEVICE_NETMASK "255.255.255.0"' "DEVICE_ROUTER \"$NAT_IN_IP\"" "$@"
}

services() {
    mkdir -p "$RUN/gw"
    printf 'listener 1883 %s\nallow_anonymous true\n' "$APP_IP" >"$RUN/mosquitto.conf"
    spawn broker "$APP" mosquitto -c "$RUN/mosquitto.conf"
    spawn dns "$APP" python3 "$ROOT/tests/firmware/services.py" dns "$APP_IP" \
        "broker.example=$APP_IP" "coap.example=$APP_IP"
    spawn coap "$APP" python3 "$ROOT/tests/firmware/services.py" coap "$APP_IP"
    spawn dhcp "$NAT" python3 "$ROOT/tests/firmware/services.py" dhcp in 10.77.1.2 "$NAT_IN_IP"
    until_true 5 inns "$APP" mosquitto_pub -h "$APP_IP" -t hello -m hello || fail "no broker"
    spawn readings "$APP" mosquitto_sub -h "$APP_IP" -t "readings/#"
    # A platform's command: it waits at the broker for the device, which must be reached from the inside.
    spawn command "$APP" sh -c "while :; do for name in sensor-17 dev.example; do mosquitto_pub -h $APP_IP -t commands/\$name -m blink; done; sleep 0.5; done"
}

# life MACHINE: builds the firmware with $RUN/config.h, runs it to its end, and shows its console.
life() {
    local nic=tap,ifname=in,script=no,downscript=no,mac=52:54:00:00:00:02 out=$FIRMWARE/$1
    install -D -C "$RUN/config.h" "$out/config.h"
    make -s -j"$(nproc)" -C "$ROOT/firmware" BOARD="${1//-/_}" CONFIG="$out/config.h" SOURCES="$FIRMWARE/sources" OUT="$out" \
        >"$RUN/build.log" 2>&1 || fail "the firmware for $1 does not build"
    inns "$NAT" timeout 60 "$QEMU" -M "$1" -display none -monitor none -serial stdio -nic "$nic" \
        -semihosting-config enable=on,target=native -kernel "$out/firmware.elf" >"$RUN/board.log" 2>&1 </dev/null ||
        fail "the device says: $(tail -n 1 "$RUN/board.log")"
    logged board "all steps done" || fail "the device did not come to its end"
    say "$1: flash $(arm-none-eabi-size "$out/firmware.elf" | awk 'NR == 2 { print $1 + $2 ", static RAM " $2 + $3 }')"
    sed "s/^/$1: /" "$RUN/board.log" >&2
}
