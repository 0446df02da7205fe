#!/usr/bin/env python3
"""Writes the hand-made seeds of the fuzz targets: tests/fuzz/seeds/TARGET/NAME.

Each is a valid input built from the RFC's diagrams, so that a run starts behind the
first length check.  Run it again after adding one; recorded seeds are not touched.

SPDX-License-Identifier: Apache-2.0
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def seed(target, name, octets):
    folder = os.path.join(HERE, "seeds", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(octets)


# --- IKE: RFC 7296 section 3 ------------------------------------------------------


def transform(kind, number, bits=0, last=False, extra=b""):
    attrs = (struct.pack(">HH", 0x800E, bits) if bits else b"") + extra
    return struct.pack(">BBHBBH", 0 if last else 3, 0, 8 + len(attrs), kind, 0, number) + attrs


def proposal(number, protocol, spi, transforms, last=True):
    body = b"".join(transform(*t, last=i + 1 == len(transforms)) for i, t in enumerate(transforms))
    head = struct.pack(">BBHBBBB", 0 if last else 2, 0, 8 + len(spi) + len(body), number, protocol,
                       len(spi), len(transforms))
    return head + spi + body


def payloads(*list_of):
    """(type, body) pairs to (first type, chain)."""
    chain = b""
    for i, (_, body) in enumerate(list_of):
        following = list_of[i + 1][0] if i + 1 < len(list_of) else 0
        chain += struct.pack(">BBH", following, 0, 4 + len(body)) + body
    return list_of[0][0], chain


def message(exchange, flags, message_id, *list_of, sealed_first=None):
    first, chain = payloads(*list_of)
    if sealed_first is not None:  # the last generic header names what is inside
        at = len(chain) - 4 - len(list_of[-1][1])
        chain = chain[:at] + bytes([sealed_first]) + chain[at + 1:]
    return (b"initiate" + b"responds" + struct.pack(">BBBBII", first, 0x20, exchange, flags,
                                                    message_id, 28 + len(chain)) + chain)


def notify(kind, data=b"", protocol=0, spi=b""):
    return 41, struct.pack(">BBH", protocol, len(spi), kind) + spi + data


def v4_selector(lo, hi, protocol=0, ports=(0, 65535)):
    return struct.pack(">BBHHH", 7, protocol, 16, *ports) + bytes(lo) + bytes(hi)


def v6_selector(lo, hi):
    return struct.pack(">BBHHH", 8, 0, 40, 0, 65535) + lo + hi


def selectors(*list_of):
    return bytes([len(list_of), 0, 0, 0]) + b"".join(list_of)


def attribute(kind, value=b""):
    return struct.pack(">HH", kind, len(value)) + value


DB8 = bytes.fromhex("20010db8000000000000000000000001")
NONCE = bytes(range(32))
IKE_AEAD = [(1, 20, 128), (2, 5), (4, 31)]
IKE_MANY = [(1, 12, 128), (1, 12, 256), (1, 3), (2, 5), (2, 2), (3, 12), (3, 2), (4, 14), (4, 19)]
ESP_AEAD = [(1, 20, 128), (5, 0)]
SA_IKE = proposal(1, 1, b"", IKE_AEAD, last=False) + proposal(2, 1, b"", IKE_MANY)
SA_ESP = proposal(1, 3, b"\xc0\1\2\3", ESP_AEAD)
SA_REKEY = proposal(1, 1, b"newspi_i", IKE_AEAD)
TS4 = selectors(v4_selector((10, 0, 0, 0), (10, 0, 255, 255)),
                v4_selector((10, 1, 0, 1), (10, 1, 0, 1), 17, (53, 53)))
TS6 = selectors(v6_selector(DB8[:8] + bytes(8), DB8[:8] + b"\xff" * 8))
CP_REQUEST = b"\1\0\0\0" + attribute(1) + attribute(8) + attribute(3) + attribute(10)
CP_REPLY = (b"\2\0\0\0" + attribute(1, b"\x0a\1\2\3") + attribute(2, b"\xff\xff\xff\0") +
            attribute(8, DB8 + b"\x40") + attribute(3, b"\x0a\0\0\x35") + attribute(10, DB8) +
            attribute(7, b"v"))
ID_FQDN = b"\2\0\0\0gw.example.org"
ID_MAIL = b"\3\0\0\0ops@example.org"
ID_V4 = b"\1\0\0\0\xc0\0\2\1"
ID_V6 = b"\5\0\0\0" + DB8


def rdn(kind, text, tag=0x0C):
    value = bytes([0x06, 3, 0x55, 4, kind]) + bytes([tag, len(text)]) + text
    pair = bytes([0x30, len(value)]) + value
    return bytes([0x31, len(pair)]) + pair


def name(*rdns):
    body = b"".join(rdns)
    return b"\x09\0\0\0" + bytes([0x30, len(body)]) + body


DN = name(rdn(6, b"DE", 0x13), rdn(10, b"Fleet"), rdn(3, b"sensor-17"))
DN_ANY = name(rdn(6, b"de", 0x13), rdn(10, b"FLEET"), rdn(3, b"*"))


def ike_seeds():
    init = [(33, SA_IKE), (34, b"\0\x1f\0\0" + bytes(32)), (40, NONCE), notify(16388, bytes(20)),
            notify(16389, bytes(20)), notify(16430), notify(16431, b"\0\2\0\3"), (43, b"vendor")]
    auth = [(35, ID_FQDN), (37, b"\4certificate"), (38, b"\4" + bytes(40)), (36, ID_MAIL),
            (39, b"\2\0\0\0" + bytes(32)), (47, CP_REQUEST), (33, SA_ESP), (44, TS4), (45, TS6),
            notify(16384), notify(16396)]
    everything = auth + [(42, b"\3\4\0\2" + bytes(8)), (42, b"\1\0\0\0"), (48, b"\1\1\0\4")]
    target = "fuzz_ike_header_payloads"
    seed(target, "sa_init", message(34, 0x08, 0, *init))
    seed(target, "cookie", message(34, 0x20, 0, notify(16390, bytes(17))))
    seed(target, "auth_inside", message(35, 0x08, 1, *auth))
    seed(target, "every_payload", message(37, 0x20, 2, *everything))
    seed(target, "sealed", message(35, 0x08, 1, (46, bytes(48)), sealed_first=35))
    seed(target, "fragment", message(35, 0x08, 1, (53, b"\0\1\0\3" + bytes(48)), sealed_first=35))
    seed(target, "marker", bytes(4) + message(37, 0x28, 7, (46, bytes(28)), sealed_first=0))
    seed(target, "unknown", message(37, 0x08, 1, (200, b"?"), notify(7)))
    for label, body in (("ike", SA_IKE), ("esp", SA_ESP), ("rekey", SA_REKEY),
                        ("tlv", b"\0\0\0\x1a\1\1\0\1" + transform(1, 12, 128, True,
                                                                   b"\0\x0f\0\2ab"))):
        seed("fuzz_ike_sa", label, body)
    seed("fuzz_ike_ts", "v4", TS4)
    seed("fuzz_ike_ts", "v6", TS6)
    seed("fuzz_ike_ts", "mixed", selectors(v6_selector(DB8, DB8), b"\x63\0\0\6ab",
                                           v4_selector((0,) * 4, (255,) * 4, 1, (65535, 0))))
    seed("fuzz_ike_cp", "request", CP_REQUEST)
    seed("fuzz_ike_cp", "reply", CP_REPLY)
    for label, one, two in (("fqdn", ID_FQDN, b"\2\0\0\0*.example.org"),
                            ("mail", ID_MAIL, b"\3\0\0\0*@EXAMPLE.org"),
                            ("addresses", ID_V4, ID_V6), ("names", DN, DN_ANY),
                            ("key_id", b"\x0b\0\0\0\0\1\2", b"\x0b\0\0\0\0\1\2")):
        seed("fuzz_ike_id", label, bytes([len(one)]) + one + two)


# --- IP: RFC 791, RFC 8200 ---------------------------------------------------------


def ip4(protocol, body, fragment=0x4000, options=b""):
    words = 5 + len(options) // 4
    return (struct.pack(">BBHHHBBH", 0x40 | words, 0, words * 4 + len(body), 1, fragment, 64,
                        protocol, 0) + b"\x0a\0\0\1\x0a\0\0\2" + options + body)


def ip6(following, body):
    return struct.pack(">IHBB", 0x60000000, len(body), following, 64) + DB8 + DB8 + body


def ip_seeds():
    udp = struct.pack(">HHHH", 1234, 53, 12, 0) + b"data"
    for label, packet in (
            ("udp4", ip4(17, udp)), ("icmp4", ip4(1, b"\x08\0\0\0\0\1\0\1")),
            ("options4", ip4(17, udp, options=b"\1\1\1\0")), ("first4", ip4(17, udp, 0x2000)),
            ("later4", ip4(17, udp, 0x0010)), ("udp6", ip6(17, udp)),
            ("chain6", ip6(0, b"\x2b\0\1\4\0\0\0\0" + b"\x2c\0" + bytes(6) + b"\x11\0\0\1" +
                           bytes(4) + udp)),
            ("later6", ip6(44, b"\x11\0\0\x10" + bytes(4) + udp)), ("esp6", ip6(50, bytes(24)))):
        seed("fuzz_ip", label, b"\1" + packet)
    for label, mtu, options, fragment in (("plain", 44, b"", 0), ("again", 60, b"", 0x2010),
                                          ("options", 64, b"\x94\4\0\0\7\7\4" + bytes(5), 0)):
        seed("fuzz_split", label,
             struct.pack(">H", mtu) + ip4(17, bytes(range(200)), fragment, options))


# --- ESP and SK: the steps that the targets describe ---------------------------------


def esp_step(kind, octets, seq=0, at=0, change=0):
    return struct.pack(">BHHBH", kind, seq, at, change, len(octets)) + octets


def checksummed(packet):
    header = packet[:(packet[0] & 15) * 4]
    total = sum(struct.unpack(">%dH" % (len(header) // 2), header))
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return packet[:10] + struct.pack(">H", total) + packet[12:]


def esp_seeds():
    udp = struct.pack(">HHHH", 1234, 53, 12, 0) + b"data"
    inner4, inner6 = checksummed(ip4(17, udp)), ip6(17, udp)
    body = inner4 + b"\1\2" + b"\2\4"
    loops = esp_step(3, inner4) + esp_step(3, inner6)
    target = "fuzz_esp"
    for suite in range(5):
        seed(target, "loop%d" % suite, bytes([suite]) + loops)
    seed(target, "authentic", b"\0" + esp_step(1, body, 1) + esp_step(1, body, 3) +
         esp_step(1, body, 2) + esp_step(1, body, 3) + esp_step(1, body, 70))
    seed(target, "dummy", b"\0" + esp_step(1, bytes(10) + b"\0\x3b", 1))
    seed(target, "tfc", b"\0" + esp_step(1, inner4 + bytes(30) + b"\0\4", 1))
    seed(target, "tampered", b"\0" + esp_step(1, body, 1) + esp_step(2, body, 2, 20, 1))
    seed(target, "raw", b"\0" + esp_step(0, struct.pack(">II", 0x2002, 1) + bytes(40), 0, 0, 1))


def plane_step(kind, which, octets, seq=0):
    return struct.pack(">BBHH", kind, which, seq, len(octets)) + octets


def between(packet, src, dst):
    if len(src) == 4:
        return checksummed(packet[:12] + src + dst + packet[20:])
    return packet[:8] + src + dst + packet[40:]


def plane_seeds():
    target = "fuzz_plane"
    udp = struct.pack(">HHHH", 1234, 53, 12, 0) + b"data"
    tcp = struct.pack(">HHIIBBHHH", 1234, 80, 1, 0, 0x60, 2, 1000, 0, 0) + b"\2\4\5\xb4"
    options = b"\x11\0\1\4\0\0\0\0" + udp  # destination options
    here4, there4 = b"\xc0\0\2\1", b"\xc0\0\2\2"
    here6, there6 = b"\x20\1" + bytes(13) + b"\1", b"\x20\1" + bytes(13) + b"\2"
    net = checksummed(ip4(17, udp)), ip6(6, tcp)
    host = (between(ip4(6, tcp), here4, there4), between(ip6(17, udp), here6, there6),
            between(ip6(60, options), here6, there6))
    for pair in range(9):
        ah, transport = pair >= 5, pair in (2, 3, 4, 7, 8)
        inner = [(17, udp), (6, tcp), (60, options)] if transport else [(4, net[0]), (41, net[1])]
        peer = b""
        for n, (following, body) in enumerate(inner + [(59, b"")]):
            trailed = body + b"\1\2\2" + bytes([following])
            peer += plane_step(0, pair, bytes([following]) + body if ah else trailed, 2 * n + 1) * 2
        seed(target, "peer%d" % pair, bytes([pair]) + peer)
        seed(target, "out%d" % pair,
             bytes([pair]) + b"".join(plane_step(2, 0, p) for p in (host if transport else net)))
    ah = struct.pack(">BBHII", 17, 4, 0, 0x1007, 0xFFFFFE00) + bytes(12) + udp
    routed = between(ip4(51, ah, options=b"\x83\3\4\0"), there4, here4)
    seed(target, "out9", b"\x09" + plane_step(2, 0, net[0]) + plane_step(2, 0, net[1]))
    inside = b"\x0a\0\0\2", b"\x0a\0\0\1"  # of nested pairs
    ah = struct.pack(">BBHII", 4, 4, 0, 0x1009, 1) + bytes(12) + net[0]
    esp = struct.pack(">II", 0x100A, 1) + udp + b"\1\2\2\x11" + bytes(12)
    seed(target, "out10", b"\x0a" + plane_step(2, 0, between(ip4(17, udp), *inside[::-1])))
    seed(target, "nested", b"\0" + b"".join(
        plane_step(0, 0, between(ip4(protocol, body), *inside) + b"\1\2\2\4", 2 * n + 1)
        for n, (protocol, body) in enumerate(((51, ah), (50, esp)))))
    seed(target, "raw", b"\0" + plane_step(1, 3, routed) +
         plane_step(1, 2, struct.pack(">II", 0x1000, 5) + bytes(40)))
    seed(target, "clear", b"\0" + plane_step(3, 0, net[0]) + plane_step(3, 0, net[1]))
    ours = between(ip4(50, struct.pack(">II", 0x1002, 1)), here4, there4)
    seed(target, "icmp", b"\0" + plane_step(4, 0, checksummed(ip4(1, b"\3\4\0\0\0\0\4\xb0" + ours))))


def sk_seeds():
    first, chain = payloads((41, notify(16388, bytes(20))[1]), (44, TS4))
    for suite in range(3):
        head = bytes([suite])
        seed("fuzz_sk", "sealed%d" % suite, head + b"\1" + bytes([first]) + chain)
        seed("fuzz_sk", "tampered%d" % suite, head + b"\2\0\x30\1" + chain)
    seed("fuzz_sk", "raw", b"\0\0" + message(37, 0x08, 3, (46, bytes(48)), sealed_first=41))
    seed("fuzz_sk", "fragments", b"\0\3" + b"\0\2\3\2cd" + b"\0\1\3\2ab" + b"\0\1\3\2ab" +
         b"\0\3\3\2ef" + b"\1\1\1\1x")
    for label, how, body in (("ike", 0, SA_IKE), ("esp", 1, SA_ESP), ("esp_ke", 3, proposal(
            1, 3, b"\xc0\1\2\3", [(1, 20, 128), (4, 31), (5, 0)])), ("rekey", 4, SA_REKEY),
                             ("cbc", 1, proposal(1, 3, b"\xc0\1\2\3",
                                                 [(1, 12, 256), (3, 12), (5, 1)]))):
        seed("fuzz_proposal", label, bytes([how]) + body)


# --- two engines: the steps of fuzz_engine.c -------------------------------------------

DEVICE, GATEWAY = 0, 1
INITIATE, REKEY_IKE, REKEY_CHILD, DELETE_IKE, DELETE_CHILD = range(5)
HOLD, PING = b"\6", b"\7"
CREATE_CHILD, INFORMATIONAL = 2, 3
CLEVER = 0x80


def go(ms):
    return struct.pack(">BH", 4, ms // 4)


def command(host, what):
    return bytes([5, host | what << 1])


def raw(to, octets, carrier=0):
    return struct.pack(">BBH", 0, to | carrier << 1, len(octets)) + octets


def replay(which, change, at):
    return struct.pack(">BBBH", 1, which, change, at)


def item(kind, body=b""):
    return struct.pack(">BH", kind, len(body)) + body


def sealed(to, exchange, *items, response=False, fragment=b""):
    how = to | response << 1 | (4 if fragment else 0)
    return bytes([2, how, 0, exchange]) + fragment + bytes([len(items)]) + b"".join(items)


def edited(held, *edits):
    return bytes([3, held, len(edits)]) + b"".join(edits)


def edit(kind, index, at=0, value=0, more=b""):
    return struct.pack(">BBHB", kind, index, at, value) + more


def engine_seeds():
    target = "fuzz_engine"
    rekey = item(CLEVER | 41), item(33, SA_ESP), item(40, NONCE), item(44, TS4), item(45, TS4)
    # certificates, virtual address, PFS, encapsulation, then cookies, fragments, lifetimes, CBC
    for how in list(range(16)) + [0x10, 0x21, 0x40, 0x80, 0xf7]:
        seed(target, "life%d" % how, bytes([how, 2]) + PING + command(0, REKEY_CHILD) + go(2000) +
             PING + command(1, REKEY_IKE) + go(2000) + PING + command(0, DELETE_CHILD) + go(200))
        seed(target, "auth%d" % how, bytes([how, 1]) + edited(0) + edited(0) + edited(0) + go(400))
    seed(target, "begin", b"\0\0" + command(0, INITIATE) + replay(0, 1, 40) + go(400) + PING)
    seed(target, "crossing", b"\4\2" + HOLD + command(0, REKEY_IKE) + command(1, REKEY_IKE) +
         edited(1) + edited(0) + go(2000) + HOLD + command(0, REKEY_CHILD) +
         command(1, REKEY_CHILD) + edited(1) + edited(0) + go(8000))
    seed(target, "orphan", b"\4\2" + HOLD + command(0, REKEY_IKE) + command(1, REKEY_IKE) +
         edited(0, edit(6, 0, 0, INFORMATIONAL), edit(1, 0)) + go(400))
    for to in (DEVICE, GATEWAY):
        for label, steps in (
                ("alive", sealed(to, INFORMATIONAL)),
                ("delete_child", sealed(to, INFORMATIONAL, item(CLEVER | 42))),
                ("delete_twice", sealed(to, INFORMATIONAL, item(CLEVER | 42), item(CLEVER | 42))),
                ("delete_ike", sealed(to, INFORMATIONAL, item(42, b"\1\0\0\0"))),
                ("new_child", sealed(to, CREATE_CHILD, *rekey[1:])),
                ("rekey_child", sealed(to, CREATE_CHILD, *rekey)),
                ("rekey_ike", sealed(to, CREATE_CHILD, item(33, SA_REKEY), item(40, NONCE),
                                     item(34, b"\0\x1f\0\0" + bytes(31) + b"\1"))),
                ("critical", sealed(to, INFORMATIONAL, item(100, b"?"))),
                ("fragments", sealed(to, INFORMATIONAL, item(43, b"a"), fragment=b"\1\2") +
                 sealed(to, INFORMATIONAL, item(43, b"b"), fragment=b"\2\2")),
                ("answer", HOLD + command(to, REKEY_CHILD) +
                 sealed(to, CREATE_CHILD, *rekey[1:], response=True)),
                ("raw", raw(to, message(34, 0x08, 0, (33, SA_IKE), (34, b"\0\x1f\0\0" + bytes(32)),
                                        (40, NONCE)))),
                ("raw_marker", raw(to, bytes(4) + message(37, 0x08, 2, (46, bytes(40)),
                                                          sealed_first=0), 1))):
            seed(target, "%s%d" % (label, to), b"\0\2" + PING + steps + PING + go(4000))
    for kind in range(6):
        for index in range(7):
            change = edit(kind, index, 2, 3, item(41, b"\0\0\x40\7") if kind == 4 else b"")
            seed(target, "edit%d_%d" % (kind, index), b"\0\1" + edited(0, change) + edited(0) +
                 go(4000) + HOLD + command(0, REKEY_CHILD) + edited(0, change) + edited(0, change) +
                 go(4000))


# --- configuration: swanctl.conf and VICI ------------------------------------------------

CONNECTION = b"""home {
    version = 2
    local_addrs = 192.0.2.1, 2001:db8::1
    remote_addrs = %any
    proposals = aes128gcm16-prfsha256-x25519, default
    vips = 0.0.0.0, ::
    dpd_delay = 30s
    rekey_time = 4h
    fragmentation = yes
    local { auth = psk  id = sensor-17.fleet.example }
    remote-1 {
        auth = psk
        id = "C=CH, O=Fleet, CN=*"
    }
    children {
        net {
            local_ts = 10.1.0.0/16[tcp/443], dynamic
            remote_ts = 0.0.0.0/0,::/0 # all
            esp_proposals = aes256-sha256-modp2048-esn
            start_action = trap|start
            rekey_bytes = 500M
        }
    }
}
"""
SYNTAX = b"""a : b, c { k = v }
b { k = "two \\n lines" other = x }
c { s { deep = 1 } }
key = word word "string" # comment
include conf.d*
"""


def vici_element(kind, name=None, value=None):
    octets = bytes([kind])
    if name is not None:
        octets += bytes([len(name)]) + name
    if value is not None:
        octets += struct.pack(">H", len(value)) + value
    return octets


def conf_seeds():
    for label, text in (("connection", CONNECTION), ("syntax", SYNTAX)):
        seed("fuzz_tree", label, text)
    seed("fuzz_conf", "connection", b"\0" + CONNECTION)
    for kind, texts in ((1, (b"C=CH, O=x, CN=*", b"u@example.com", b"10.0.0.1", b"@#0a0b", b"%any",
                             b"keyid:sensor", b"*.fleet.example", b"2001:db8::1")),
                        (2, (b"aes128gcm16-prfsha256-x25519", b"aes256-sha512-modp4096", b"default")),
                        (3, (b"10.1.0.0/16[tcp/443]", b"fd00::/64", b"10.0.0.1-10.0.0.9[17/1000-2000]")),
                        (4, (b"10.0.0.0/8", b"::ffff:1.2.3.4", b"10.0.0.1-10.0.0.9", b"%any6"))):
        for i, text in enumerate(texts):
            seed("fuzz_conf", "text%d_%d" % (kind, i), bytes([kind]) + text)
    message = (vici_element(3, b"key", b"value") + vici_element(1, b"section") +
               vici_element(4, b"list") + vici_element(5, None, b"item") + vici_element(5, None, b"") +
               vici_element(6) + vici_element(2))
    for label, octets in (("request", b"\0\4ping" + message), ("response", b"\1" + message),
                          ("register", b"\3\3log"), ("confirm", b"\5"),
                          ("event", b"\7\7list-sa" + message)):
        seed("fuzz_vici", label, octets)


# --- the command: ip xfrm state, captures -----------------------------------------------

XFRM_ESN = b"""src 10.0.0.1 dst 10.0.0.2
\tproto esp spi 0x00000301(769) reqid 7(0x00000007) mode tunnel
\treplay-window 0 seq 0x00000000 flag  af-unspec esn (0x00100000)
\tauth-trunc hmac(sha1) 0x000102030405060708090a0b0c0d0e0f10111213 (160 bits) 96
\tenc cbc(aes) 0x00112233445566778899aabbccddeeff (128 bits)
\tencap type espinudp sport 4500 dport 32000 addr 0.0.0.0
\tanti-replay esn context:
\t seq-hi 0x1, seq 0x5, oseq-hi 0x2, oseq 0xfffffffe
\t replay_window 64, bitmap-length 2
\t 80000000 0000001d
\tlifetime config:
\t  limit: soft (INF)(bytes), hard (INF)(bytes)
"""
XFRM_AH = b"""src fd00::1 dst fd00::2
\tproto ah spi 0xc0000001 reqid 0 mode transport
\treplay-window 32 flag af-unspec
\tauth-trunc hmac(sha1) 0x000102030405060708090a0b0c0d0e0f10111213 96
\tanti-replay context: seq 0x9, oseq 0x3, bitmap 0x00000101
\tsel src fd00::1/128 dst fd00::/64 proto udp sport 53
"""
XFRM_COMMAND = (b"ip xfrm state add src 10.0.0.1 dst 10.0.0.2 proto esp spi 256 mode tunnel "
                b"replay-oseq 1 aead 'rfc4106(gcm(aes))' 0x000102030405060708090a0b0c0d0e0f10111213 128 "
                b"encap espinudp 4500 4500 0.0.0.0 sel proto icmp type 8 code 0\n")


def xfrm_seeds():
    for label, text in (("esn", XFRM_ESN), ("ah", XFRM_AH), ("both", XFRM_ESN + XFRM_AH),
                        ("command", XFRM_COMMAND)):
        seed("fuzz_xfrm_state", label, text)


def capture_seeds():
    ip = bytes.fromhex("450000140000000040006d62c0000201c0000202")
    macs = bytes(12)
    links = {1: macs + b"\x81\0\0\5\x08\0" + ip, 101: ip, 113: bytes(14) + b"\x08\0" + ip,
             276: b"\x08\0" + bytes(18) + ip, 0: b"\2\0\0\0" + ip}
    for link, frame in links.items():
        record = struct.pack("<IIII", 7, 9, len(frame), len(frame)) + frame
        seed("fuzz_pcap", "pcap%d" % link,
             struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link) + record * 2)
    esp = struct.pack(">II", 0x1001, 1) + bytes(40)
    for label, protocol, body in (("esp", 50, esp), ("ah", 51, b"\4\4\0\0" + esp),
                                  ("udp", 17, struct.pack(">HHHH", 4500, 4500, 8 + len(esp), 0) + esp)):
        head = bytearray(ip[:10] + b"\0\0" + ip[12:])
        struct.pack_into(">H", head, 2, 20 + len(body))
        head[9] = protocol
        total = sum(struct.unpack(">10H", head))
        struct.pack_into(">H", head, 10, (total + (total >> 16) & 0xFFFF) ^ 0xFFFF)
        frame = bytes(head) + body
        seed("fuzz_pcap", label, struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) +
             struct.pack("<IIII", 7, 9, len(frame), len(frame)) + frame)
    frame = macs + b"\x08\0" + ip
    padded = frame + bytes(-len(frame) % 4)
    packet = struct.pack("<IIIIIII", 6, 32 + len(padded), 0, 0, 7, len(frame), len(frame)) + padded
    seed("fuzz_pcap", "pcapng", struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) +
         struct.pack("<IIHHII", 1, 20, 1, 0, 65535, 20) +
         packet + struct.pack("<I", 32 + len(padded)))


ike_seeds()
xfrm_seeds()
capture_seeds()
ip_seeds()
conf_seeds()
esp_seeds()
plane_seeds()
sk_seeds()
engine_seeds()
