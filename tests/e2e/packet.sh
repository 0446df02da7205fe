#!/bin/bash
# culvert packet: captures of other implementations, there and back, windows, numbers, exit codes.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/../.." || exit 1
CULVERT=${BUILD:-build}/culvert
CAPTURES=${CAPTURES:-$PWD/../shared/captures}
RUN=$(mktemp -d "${TMPDIR:-/tmp}/culvert-packet.XXXXXX")
trap 'rm -rf "$RUN"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}
[ -x "$CULVERT" ] || { echo "skipped: no culvert at $CULVERT"; exit 77; }

# cv CODE WORD...: culvert packet WORD... ends with that code; what it said is in $OUT.
cv() {
    local expected=$1 status
    shift
    OUT=$("$CULVERT" packet "$@" 2>&1)
    status=$?
    [ $status = "$expected" ] || fail "packet $*: exit $status instead of $expected: $OUT"
}
says() { grep -qE -- "$1" <<<"$OUT" || fail "expected '$1' in: $OUT"; }
# same A B: the captures hold the same packets; their file headers may differ.
same() { cmp -s <(tail -c +25 "$1") <(tail -c +25 "$2") || fail "$3"; }
count() { [ "$(grep -cE -- "$2" <<<"$OUT")" = "$1" ] || fail "expected $1 times '$2' in: $OUT"; }

# pcap FILE HEX...: raw IP packets as a capture.
pcap() {
    local file=$1 all=d4c3b2a1020004000000000000000000ffff000065000000 hex n
    shift
    for hex; do
        n=$(le32 $((${#hex} / 2)))
        all+=0000000000000000$n$n$hex
    done
    # shellcheck disable=SC2059
    printf "$(sed 's/../\\x&/g' <<<"$all")" >"$file"
}
le32() { printf '%02x%02x%02x%02x' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)); }

# sa FILE [LINE...]: one SA, with more lines of the notation.
sa() {
    local file=$1
    shift
    {
        echo 'src 192.0.2.1 dst 192.0.2.2'
        echo '	proto esp spi 0x00001001 reqid 1 mode tunnel'
        echo '	aead rfc4106(gcm(aes)) 0x000102030405060708090a0b0c0d0e0f10111213 128'
        printf '\t%s\n' "$@"
    } >"$file"
}

INNER=4500001c00010000400166de0a0000010a0000020800f7ff00000000

# --- bad usage and input: 2, and where the mistake is ---
cv 2
says 'expected packet open, packet seal or packet explain'
cv 2 frobnicate
cv 2 open --in "$RUN/in"
says 'missing --sa FILE'
cv 2 open --sa "$RUN/sa"
says 'missing --in CAPTURE'
cv 2 open --sa "$RUN/sa" --in "$RUN/in"
says 'missing --out CAPTURE'
cv 2 open --sa "$RUN/none" --in "$RUN/in" --out "$RUN/out"
says "$RUN/none: No such file or directory"
sa "$RUN/bad" 'replay-window 32' 'mode beet'
cv 2 open --sa "$RUN/bad" --in "$RUN/in" --out "$RUN/out"
says "$RUN/bad:5: expected mode tunnel or mode transport, not beet"
sa "$RUN/sa" 'replay-window 32'
cv 2 open --sa "$RUN/sa" --in "$RUN/none" --out "$RUN/out"
says "$RUN/none: No such file or directory"
cv 2 open --sa "$RUN/sa" --in "$RUN/sa" --out "$RUN/out"
says 'expected a pcap or pcapng file'
cat "$RUN/sa" "$RUN/sa" >"$RUN/twice"
cv 2 open --sa "$RUN/twice" --in "$RUN/sa" --out "$RUN/out"
says "$RUN/twice:5: destination and SPI are those of line 1"

# --- there and back ---
pcap "$RUN/plain" "$INNER" "$INNER" "$INNER"
cv 0 seal --sa "$RUN/sa" --in "$RUN/plain" --out "$RUN/sealed"
count 3 'ok spi 0x00001001 seq [123] len 28 -> 84'
cv 0 open --sa "$RUN/sa" --in "$RUN/sealed" --out "$RUN/opened"
count 3 'ok spi 0x00001001 .*; inside 10.0.0.1 > 10.0.0.2 ICMP type 8 code 0, 28 octets'
same "$RUN/plain" "$RUN/opened" "what was sealed and opened is not what it was"
cv 0 open --json --sa "$RUN/sa" --in "$RUN/sealed" --out "$RUN/opened"
says '^\{"n":1,"verdict":"ok","spi":4097,"seq":1,"len_in":84,"len_out":28\}$'

# --- explain: without keys, with them, with the wrong ones ---
cv 0 explain --in "$RUN/sealed"
count 3 'ok spi 0x00001001 seq [123] len 84: 192.0.2.1 > 192.0.2.2 ESP, 84 octets; ESP$'
cv 0 explain --sa "$RUN/sa" --in "$RUN/sealed"
count 3 'SA of line 1, ESP tunnel AES_GCM_16-128; inside 10.0.0.1 > 10.0.0.2 ICMP'
sed 's/0x0001/0xff01/' "$RUN/sa" >"$RUN/other"
cv 1 explain --sa "$RUN/other" --in "$RUN/sealed"
count 3 'icv spi 0x00001001 .*SA of line 1.*: integrity check failed'

# --- the window: what was seen before is dropped, and told by the context ---
(cat "$RUN/sealed"; tail -c +25 "$RUN/sealed") >"$RUN/again"
cv 1 open --sa "$RUN/sa" --in "$RUN/again" --out "$RUN/opened"
count 3 '^[123] ok'
count 3 '^[456] replay'
same "$RUN/plain" "$RUN/opened" "a replayed packet came out"
sa "$RUN/seen" 'replay-window 32' 'anti-replay context: seq 0x3, oseq 0x0, bitmap 0x00000005'
cv 1 open --sa "$RUN/seen" --in "$RUN/sealed" --out "$RUN/opened"
says '^1 replay'
says '^2 ok'
says '^3 replay'
sa "$RUN/off" 'replay-window 0'
cv 0 open --sa "$RUN/off" --in "$RUN/again" --out "$RUN/opened"
count 6 ok

# --- sequence numbers: the last one there is, and across 2^32 with ESN ---
sa "$RUN/last" 'anti-replay context: seq 0x0, oseq 0xfffffffd, bitmap 0x00000000'
cv 1 seal --sa "$RUN/last" --in "$RUN/plain" --out "$RUN/sealed"
says '^2 ok .* seq 4294967295 '
says '^3 seq_exhausted'
sa "$RUN/esn" 'flag esn' 'anti-replay esn context:' ' seq-hi 0x0, seq 0xfffffffc, oseq-hi 0x0, oseq 0xfffffffd' \
    ' replay_window 32, bitmap-length 1' ' 00000000'
cv 0 seal --sa "$RUN/esn" --in "$RUN/plain" --out "$RUN/sealed"
says '^3 ok .* seq 4294967296 '
cv 0 open --sa "$RUN/esn" --in "$RUN/sealed" --out "$RUN/opened"
says '^3 ok .* seq 4294967296 '
same "$RUN/plain" "$RUN/opened" "ESN: what was sealed and opened is not what it was"

# --- what is no IPsec, or no packet at all ---
keepalive=4500001d000100004011f6cbc0000201c00002021194119400090000ff
ike=45000024000100004011f6c4c0000201c000020211941194001000000000000000000000
fragment=4500001c000120004032d6abc0000201c00002020000000000000000
pcap "$RUN/mixed" "$INNER" "${INNER/66de/65db}" 4500 "" 00112233 $keepalive $ike $fragment
cv 1 open --sa "$RUN/sa" --in "$RUN/mixed" --out "$RUN/opened" --json
count 8 '"n":[1-8],"verdict":"[a-z_]+","spi":null,"seq":null,'
n=0
for verdict in cleartext checksum short version version nat_keepalive ike_unknown_spi fragment; do
    n=$((n + 1))
    says "\"n\":$n,\"verdict\":\"$verdict\""
done
cv 1 seal --sa "$RUN/sa" --in "$RUN/mixed" --out "$RUN/sealed"
says '^1 ok'
count 4 '^[2-5] (short|checksum|version)'

# --- two SAs with one SPI, for two destinations ---
sed 's/dst 192.0.2.2/dst 192.0.2.3/; s/0x0001/0xff01/' "$RUN/sa" >"$RUN/third"
cat "$RUN/sa" "$RUN/third" >"$RUN/both"
cv 0 seal --sa "$RUN/sa" --in "$RUN/plain" --out "$RUN/sealed"
cv 0 open --sa "$RUN/both" --in "$RUN/sealed" --out "$RUN/opened"
cv 0 seal --sa "$RUN/third" --in "$RUN/plain" --out "$RUN/sealed"
cv 0 open --sa "$RUN/both" --in "$RUN/sealed" --out "$RUN/opened"

# --- captures of other implementations, with the keys that are known ---
if [ ! -r "$CAPTURES/02-sunrise-sunset-esp.pcap" ] || [ ! -r "$CAPTURES/esp-aes-cbc-sha1.pcapng" ]; then
    echo "ok, but for the captures of others: they are not in $CAPTURES"
    exit 0
fi
cat >"$RUN/sunrise" <<'SA'
src 192.1.2.23 dst 192.1.2.45
	proto esp spi 0x12345678 mode tunnel
	replay-window 32
	auth-trunc hmac(md5) 0x87658765876587658765876587658765 96
	enc cbc(des3_ede) 0x4043434545464649494a4a4c4c4f4f515152525454575758
SA
cv 0 open --sa "$RUN/sunrise" --in "$CAPTURES/02-sunrise-sunset-esp.pcap" --out "$RUN/opened"
count 8 'ok spi 0x12345678 seq [1-8] .*; inside 192.0.2.1 > 192.0.1.1 ICMP type 8 code 0, 84 octets'
cat >"$RUN/aes" <<'SA'
src 192.168.0.1 dst 192.168.0.100
	proto esp spi 0x070883c2 mode tunnel
	replay-window 32
	auth-trunc hmac(sha1) 0x51c9213c18232f8f26c70c4dee6e0e6d56e31e8a 96
	enc cbc(aes) 0x5de1a4c2c72662c9fda7a7c78cd25623
src 192.168.0.100 dst 192.168.0.1
	proto esp spi 0xc254fe64 mode tunnel
	replay-window 32
	auth-trunc hmac(sha1) 0x3e00d517c1220d4b7d2950fcc02edd4b6023d278 96
	enc cbc(aes) 0x88e1dad7140af03b8d4f3d734d21be4b
SA
cv 0 open --sa "$RUN/aes" --in "$CAPTURES/esp-aes-cbc-sha1.pcapng" --out "$RUN/opened"
count 6 'ok .*ICMP type [08] code 0, 84 octets'
[ "$(od -An -v -tx1 "$RUN/opened" | tr -d ' \n' | grep -o 08090a0b0c0d0e0f1011121314151617 | wc -l)" = 6 ] ||
    fail "the ICMP data that is known to be inside is not"
echo ok
