#!/bin/bash
# An attacker on the path repeats and changes the device's packets: none gets through, and the
# gateway says what happens, ever less often while it goes on.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip "no python3"

topology direct
gateway_conf
CHILD_EXTRA="start_action = start" device_conf
daemon gw
daemon dev
wait_log dev "Child SA net established"
reaches "$DEV" "$APP_IP" || fail "no ping"

cat >"$RUN/attack.py" <<'P'
import socket, sys
mode, times = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("wan", 0))
s.settimeout(10)
print("listening", flush=True)
while True:
    frame = bytearray(s.recv(65535))
    if frame[12:14] == b"\x08\x00" and frame[23] == 50 and frame[26:30] == socket.inet_aton("10.77.2.1"):
        break
for i in range(times):
    if mode == "flip":
        frame[-1 - i % 12] ^= 1 + i % 255      # the ICV
        frame[14 + 20 + 7] = (frame[14 + 20 + 7] + 40) % 256  # a sequence number not seen yet
    s.send(frame)
P
attack() { # MODE TIMES
    : >"$RUN/attack.log"
    spawn attack "$DEV" python3 "$RUN/attack.py" "$1" "$2"
    wait_log attack listening
    ping_once "$DEV" "$APP_IP" || fail "no ping during the attack"
    wait "$(pid_of attack)" || fail "the attack itself: $(cat "$RUN/attack.log")"
}
received() { inns "$APP" awk '/^Icmp:/ {n++; if (n == 2) print $2}' /proc/net/snmp; }

before=$(received)
attack replay 20
wait_log gw "data plane alarm, 16 times .*10.77.2.1.*seen before" # fewer may be an accident
attack flip 20
wait_log gw "data plane alarm, 1 times .*integrity"
[ "$(grep -c 'data plane alarm' "$RUN/gw.log")" -le 12 ] || fail "the alarms flood the log"
[ "$(received)" -eq $((before + 2)) ] || fail "the application saw $(($(received) - before)) packets, not 2"
reaches "$DEV" "$APP_IP" || fail "no ping after the attacks"
pass
