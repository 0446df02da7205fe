#!/bin/bash
# What is refused is said at both ends: who refuses whom and why, both identities, both offers.
# A thousand refused requests are a few lines, and a count.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"

# conn NAME LOCAL_ID REMOTE_ID IKE_PROPOSAL ESP_PROPOSAL LOCAL_TS REMOTE_TS [EXTRA]
conn() {
    cat <<C
    $1 {
        remote_addrs = $PEER
        proposals = $4
        ${8:-}
        local {
            auth = psk
            id = $2
        }
        remote {
            auth = psk
            id = $3
        }
        children {
            $1-net {
                local_ts = $6
                remote_ts = $7
                esp_proposals = $5
            }
        }
    }
C
}

IKE=aes128gcm16-prfsha256-x25519 ESP=aes128gcm16
topology direct
{
    PEER=$DEV_IP
    echo "connections {"
    conn net gw.example dev.example $IKE $ESP $APP_NET $DEV_INNER_IP/32
    conn pool gw.example road.example $IKE $ESP $APP_NET dynamic "pools = one"
    echo "}"
    secrets
    echo "pools { one { addrs = 10.77.11.1/32 } }"
} >"$RUN/gw/swanctl.conf"
{
    PEER=$GW_IP
    echo "connections {"
    conn ike dev.example gw.example aes256-sha256-modp2048 $ESP $DEV_INNER_IP/32 $APP_NET
    conn esp dev.example gw.example $IKE aes256-sha384 $DEV_INNER_IP/32 $APP_NET
    conn ts dev.example gw.example $IKE $ESP 10.99.0.0/24 10.98.0.0/16
    conn id stranger.example gw.example $IKE $ESP $DEV_INNER_IP/32 $APP_NET
    conn psk liar.example gw.example $IKE $ESP $DEV_INNER_IP/32 $APP_NET
    sed "s/$GW_IP/nowhere.invalid/" < <(conn name dev.example gw.example $IKE $ESP $DEV_INNER_IP/32 $APP_NET)
    echo "}"
    secrets
} >"$RUN/dev/swanctl.conf"
sed -i 's/^secrets {/secrets {\n    ike-2 { id = stranger.example\n secret = 0x01 }\n    ike-3 { id = liar.example\n secret = 0x02 }/' "$RUN/dev/swanctl.conf"
daemon gw
daemon dev

up() { inns "$DEV" "$CULVERT" up "$1" --run-dir "$RUN/dev/run" >"$RUN/up.log" 2>&1; }
both() { # WHAT GATEWAY_REGEX DEVICE_REGEX
    up "$1-net" && fail "$1 came up"
    wait_log gw "$2" 5
    wait_log dev "$3" 5
}

both ike \
    "we refuse $DEV_IP\[4?500\]: no acceptable proposal \(NO_PROPOSAL_CHOSEN\); it asks for aes256-sha256-modp2048(-prfsha256)?; ours is net: $IKE; pool: $IKE" \
    "peer $GW_IP\[4?500\] refused us as dev.example: NO_PROPOSAL_CHOSEN, .*; we asked for aes256-sha256-modp2048(-prfsha256)?"
both esp \
    "we refuse $DEV_IP\[4?500\] \(dev.example\) as gw.example: no acceptable proposal .*; it asks for aes256-sha384; ours is net-net: aes128gcm16" \
    "no Child SA esp-net: peer $GW_IP\[4?500\] \(gw.example\) refused us as dev.example: NO_PROPOSAL_CHOSEN, .*; we asked for esp-net: aes256-sha384"
both ts \
    "we refuse $DEV_IP\[4?500\] \(dev.example\) as gw.example: no acceptable traffic selectors .*; it asks for 10.98.0.0/16 === 10.99.0.0/24; ours is net-net: $APP_NET === $DEV_INNER_IP/32" \
    "no Child SA ts-net: peer $GW_IP\[4?500\] \(gw.example\) refused us as dev.example: TS_UNACCEPTABLE, .*; we asked for ts-net: 10.99.0.0/24 === 10.98.0.0/16"
both id \
    "authentication of $DEV_IP\[4?500\] failed: no configured connection .*; it is stranger.example, it wants gw.example" \
    "peer $GW_IP\[4?500\] refused us as stranger.example: AUTHENTICATION_FAILED, peer does not accept who we are; we asked for gw.example"
logged dev "peer could not be authenticated" && fail "who was refused says that it refused"
up name-net && fail "a name that nobody has was resolved"
grep -q "cannot be resolved" "$RUN/up.log" || fail "up does not say that the name cannot be resolved: $(cat "$RUN/up.log")"

# A thousand requests that are refused: bounded lines, and how many are not listed.
before=$(grep -c "we refuse" "$RUN/gw.log")
inns "$DEV" python3 - "$GW_IP" <<'P' || fail "no requests"
import os, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
t = struct.pack('!BBHBBH', 0, 0, 8, 1, 0, 99)
p = struct.pack('!BBHBBBB', 0, 0, 8 + len(t), 1, 1, 0, 1) + t
for i in range(1000):
    body = struct.pack('!BBH', 34, 0, 4 + len(p)) + p
    body += struct.pack('!BBHHH', 40, 0, 40, 31, 0) + os.urandom(32)
    body += struct.pack('!BBH', 0, 0, 36) + os.urandom(32)
    s.sendto(os.urandom(8) + bytes(8) + struct.pack('!BBBBII', 33, 0x20, 34, 8, 0, 28 + len(body)) + body, (sys.argv[1], 500))
P
wait_log gw "[0-9]+ more refusals like these are not listed: no acceptable proposal"
lines=$(($(grep -c "we refuse" "$RUN/gw.log") - before))
[ "$lines" -le 20 ] || fail "$lines lines for 1,000 refused requests"

# A table that is full says its name, its size and whom it met, in bounded lines; VICI counts.
stop gw || fail "culvertd (gw) ended with $?"
printf 'culvert {\n    handshakes = 32\n    cookie_threshold = 1000\n}\n' >>"$RUN/gw/swanctl.conf"
daemon gw
inns "$DEV" python3 - "$GW_IP" <<'P' || fail "no requests"
import os, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.05)
def payload(following, octets):
    return struct.pack('!BBH', following, 0, 4 + len(octets)) + octets
def ask(spi, first, body):
    s.sendto(spi + bytes(8) + struct.pack('!BBBBII', first, 0x20, 34, 8, 0, 28 + len(body)) + body, (sys.argv[1], 500))
    try:
        return s.recv(4096)
    except TimeoutError:
        return b""
t = struct.pack('!BBHBBHHH', 3, 0, 12, 1, 0, 20, 0x800E, 128)
t += struct.pack('!BBHBBH', 3, 0, 8, 2, 0, 5) + struct.pack('!BBHBBH', 0, 0, 8, 4, 0, 31)
p = struct.pack('!BBHBBBB', 0, 0, 8 + len(t), 1, 1, 0, 3) + t
for i in range(60):
    spi = os.urandom(8)
    body = payload(34, p) + payload(40, struct.pack('!HH', 31, 0) + os.urandom(32)) + payload(0, os.urandom(32))
    answer = ask(spi, 33, body)
    if answer[16:17] == b"\x29":  # with the cookie that is asked for
        ask(spi, 41, b"\x21" + answer[29:28 + struct.unpack_from('!H', answer, 30)[0]] + body)
P
wait_log gw "limit handshakes reached \(32 handshakes under way\): $DEV_IP\[[0-9]+\] has to wait.*; raise culvert.handshakes"
lines=$(grep -c "limit handshakes reached" "$RUN/gw.log")
[ "$lines" -le 15 ] || fail "$lines lines for a table that was full"
swanctl gw --stats --raw | grep -qE "limits \{[^}]*handshakes=[1-9]" || fail "no count: $(swanctl gw --stats --raw)"
pass
