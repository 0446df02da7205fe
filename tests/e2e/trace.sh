#!/bin/bash
# What somebody who looks for a fault gets: save_keys, with which culvert packet and Wireshark open
# a capture of our own tunnel; log levels 2 to 4, without a key in them.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
command -v tcpdump >/dev/null || skip "no tcpdump"

topology direct
gateway_conf
device_conf
KEYS=$RUN/keys
printf 'culvert {\n    save_keys = %s\n    log {\n        default = 1\n        ike = 4\n        chd = 3\n    }\n}\n' \
    "$KEYS" >>"$RUN/gw/swanctl.conf"

# A directory that others may change gets no keys.
mkdir -m 0777 "$RUN/open"
sed "s#save_keys = .*#save_keys = $RUN/open#" "$RUN/gw/swanctl.conf" >"$RUN/wrong.conf"
inns "$GW" timeout 5 "$CULVERTD" -c "$RUN/wrong.conf" --run-dir "$RUN/wrong" --state-dir "$RUN/wrong-state" \
    >"$RUN/wrong.log" 2>&1 && fail "keys go to a directory that anybody may change"
grep -q "save_keys: $RUN/open and the files in it must belong" "$RUN/wrong.log" ||
    fail "it does not say why: $(cat "$RUN/wrong.log")"

spawn tcpdump "$GW" tcpdump -i wan -w "$RUN/wire.pcap" -U --immediate-mode "udp or esp"
until_true 5 test -s "$RUN/wire.pcap" || fail "no capture"
daemon gw
logged gw "save_keys is set: every key goes to $KEYS" || fail "no warning of save_keys"
daemon dev
inns "$DEV" "$CULVERT" up net --run-dir "$RUN/dev/run" >"$RUN/up.log" 2>&1 || fail "no tunnel"
inns "$DEV" ping -c3 -i0.2 -W2 -q -I "$DEV_INNER_IP" "$APP_IP" >/dev/null || fail "no ping"
sleep 0.3
stop tcpdump

[ "$(stat -c %a "$KEYS" "$KEYS"/* | sort -u | tr '\n' ' ')" = "600 700 " ] ||
    fail "others may read the keys: $(ls -la "$KEYS")"
[ -e "$RUN/dev/keys" ] && fail "keys were saved unasked"
"$CULVERT" packet open --sa "$KEYS/xfrm_state" --in "$RUN/wire.pcap" --out "$RUN/inner.pcap" >"$RUN/open.log" 2>&1
[ "$(grep -c "ICMP" "$RUN/open.log")" = 6 ] || fail "culvert packet does not open our own tunnel: $(cat "$RUN/open.log")"

if command -v tshark >/dev/null; then
    mkdir -p "$RUN/home/.config/wireshark"
    cp "$KEYS/esp_sa" "$KEYS/ikev2_decryption_table" "$RUN/home/.config/wireshark/"
    HOME=$RUN/home XDG_CONFIG_HOME=$RUN/home/.config tshark -r "$RUN/wire.pcap" \
        -o esp.enable_encryption_decode:TRUE -V >"$RUN/tshark.log" 2>"$RUN/tshark.err" || fail "tshark: $(cat "$RUN/tshark.err")"
    [ "$(grep -c "Echo (ping) re" "$RUN/tshark.log")" = 6 ] || fail "Wireshark does not open our ESP"
    grep -q "Payload: Traffic Selector - Initiator" "$RUN/tshark.log" || fail "Wireshark does not open our IKE"
fi

logged gw "received IKE_SA_INIT request 0, $DEV_IP\[500\] to $GW_IP\[500\], SPIs [0-9a-f]{16}_i 0{16}_r: \[ SA KE No N\(NAT_DETECTION_SOURCE_IP\)" ||
    fail "level 2 shows no message"
logged gw "sent IKE_AUTH response 1, .*: \[ IDr AUTH .*SA TSi TSr" || fail "level 2 shows no answer"
logged gw "the peer offers aes128gcm16.*-x25519" || fail "level 3 shows no proposals"
logged gw "we choose aes128gcm16-.*-x25519; connection devices has aes128gcm16-.*x25519" || fail "level 3 shows no choice"
logged gw "the peer offers $DEV_INNER_IP/32 === $APP_NET; connection .* has net: $APP_NET === $DEV_INNER_IP/32" ||
    fail "level 3 shows no selectors"
logged gw " +32: [0-9a-f]{8} " || fail "level 4 shows no octets"
for key in $(grep -ohE "0x[0-9a-f]{32,}|\b[0-9a-f]{32,}" "$KEYS"/* | sed 's/^0x//'); do
    grep -q "$key" <(tr -d ' ' <"$RUN/gw.log") && fail "a key is in the log"
done

# Levels while it runs: said, changed by group, refused with the reason, and back by a reload.
levels() { inns "$DEV" "$CULVERT" log --run-dir "$RUN/dev/run" "$@"; }
[ "$(levels --level)" = "dmn=1,mgr=1,ike=1,chd=1,net=1,knl=1,cfg=1,esp=1" ] || fail "levels are $(levels --level)"
logged dev "received CREATE_CHILD_SA" && fail "level 1 shows messages"
[ "$(levels --level=ike=2,net=0)" = "dmn=1,mgr=1,ike=2,chd=1,net=0,knl=1,cfg=1,esp=1" ] || fail "levels did not change"
[ "$(levels --level=chd=3 --json-lines)" = '{"dmn":1,"mgr":1,"ike":2,"chd":3,"net":0,"knl":1,"cfg":1,"esp":1}' ] ||
    fail "no JSON of levels"
swanctl dev --rekey --child net >/dev/null || fail "no rekey"
wait_log dev "received CREATE_CHILD_SA response"
for bad in ike=5 nobody=1 x 1,,2; do
    levels --level=$bad >"$RUN/bad.log" 2>&1 && fail "--level=$bad is taken"
    grep -q "0 to 4" "$RUN/bad.log" || fail "--level=$bad: $(cat "$RUN/bad.log")"
done
kill -HUP "$(pid_of dev)"
until_true 5 test "$(levels --level)" = "dmn=1,mgr=1,ike=1,chd=1,net=1,knl=1,cfg=1,esp=1" || fail "a reload keeps levels"
pass
