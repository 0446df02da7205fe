"""What the differential test goes through: protocol x mode x families x algorithm x encapsulation.

A cell is one SA with random keys and addresses that no other cell has, so that all cells
fit into one SA file and `culvert packet seal` finds each packet's SA by its addresses.

scapy has no AES-XCBC, no AES-GMAC and no implicit IV, and it leaves the high half of an extended
number out of ESP's HMAC: there reference.py takes its place.  Its AES-GCM always has an ICV of
16 octets, of which the shorter ones are the beginning (RFC 4106 section 6).

SPDX-License-Identifier: Apache-2.0
"""
import ipaddress

from scapy.all import AH, ESP, IP, UDP, IPv6
from scapy.layers.ipsec import SecurityAssociation

import gmac  # noqa: F401
from reference import Reference

# name, kernel's name, scapy's name, octets of key with salt, ICV bits
AEADS = [
    ("aes128gcm16", "rfc4106(gcm(aes))", "AES-GCM", 20, 128),
    ("aes128gcm12", "rfc4106(gcm(aes))", "AES-GCM", 20, 96),
    ("aes128gcm8", "rfc4106(gcm(aes))", "AES-GCM", 20, 64),
    ("aes192gcm16", "rfc4106(gcm(aes))", "AES-GCM", 28, 128),
    ("aes256gcm16", "rfc4106(gcm(aes))", "AES-GCM", 36, 128),
    ("aes128ccm16", "rfc4309(ccm(aes))", "AES-CCM", 19, 128),
    ("aes128ccm12", "rfc4309(ccm(aes))", "AES-CCM", 19, 96),
    ("aes128ccm8", "rfc4309(ccm(aes))", "AES-CCM", 19, 64),
    ("aes256ccm16", "rfc4309(ccm(aes))", "AES-CCM", 35, 128),
    ("chacha20poly1305", "rfc7539esp(chacha20,poly1305)", "CHACHA20-POLY1305", 36, 128),
]
CIPHERS = [
    ("aes128", "cbc(aes)", "AES-CBC", 16),
    ("aes192", "cbc(aes)", "AES-CBC", 24),
    ("aes256", "cbc(aes)", "AES-CBC", 32),
    ("aes128ctr", "rfc3686(ctr(aes))", "AES-CTR", 20),
    ("aes256ctr", "rfc3686(ctr(aes))", "AES-CTR", 36),
    ("3des", "cbc(des3_ede)", "3DES", 24),
    ("null", "ecb(cipher_null)", "NULL", 0),
]
MACS = [
    ("sha256", "hmac(sha256)", "SHA2-256-128", 32, 128),
    ("sha1", "hmac(sha1)", "HMAC-SHA1-96", 20, 96),
    ("sha384", "hmac(sha384)", "SHA2-384-192", 48, 192),
    ("sha512", "hmac(sha512)", "SHA2-512-256", 64, 256),
    ("md5", "hmac(md5)", "HMAC-MD5-96", 16, 96),
    ("aescmac", "cmac(aes)", "AES-CMAC-96", 16, 96),
]
# for reference.py: no name of scapy's
MORE_AEADS = [
    ("aes128gmac", "rfc4543(gcm(aes))", None, 20, 128),
    ("aes256gmac", "rfc4543(gcm(aes))", None, 36, 128),
    ("aes128gcm16iiv", "rfc8750(gcm(aes))", None, 20, 128),
    ("aes256ccm8iiv", "rfc8750(ccm(aes))", None, 35, 64),
    ("chacha20poly1305iiv", "rfc8750(chacha20,poly1305)", None, 36, 128),
]
# for AH alone; gmac.py teaches it to scapy
AH_MACS = [
    ("aes128gmac", "rfc4543(gcm(aes))", "AES-128-GMAC", 20, 128),
    ("aes192gmac", "rfc4543(gcm(aes))", "AES-192-GMAC", 28, 128),
    ("aes256gmac", "rfc4543(gcm(aes))", "AES-256-GMAC", 36, 128),
]
# mode, family outside, family inside
WAYS = [("tunnel", 4, 4), ("tunnel", 4, 6), ("tunnel", 6, 4), ("tunnel", 6, 6), ("transport", 4, 4),
        ("transport", 6, 6)]
XCBC = ("aesxcbc", "xcbc(aes)", None, 16, 96)
IV_LEN = {"AES-CBC": 16, "AES-CTR": 8, "3DES": 8, "NULL": 0, "AES-GCM": 8, "AES-CCM": 8,
          "CHACHA20-POLY1305": 8}


def suites():
    """(cipher or AEAD, MAC or None, extended numbers): each algorithm at least once."""
    for aead in AEADS:
        yield aead, None, False
        yield aead, None, True
    for cipher in CIPHERS:
        yield cipher, MACS[0], False
    for mac in MACS[1:]:
        yield CIPHERS[0], mac, False
    for aead in MORE_AEADS:
        yield aead, None, False
        yield aead, None, True
    for mac in MACS[:4] + [XCBC]:
        yield CIPHERS[0], mac, True
    yield CIPHERS[0], XCBC, False


def cells(rng):
    """Every cell of the matrix, in an order that depends on nothing."""
    number = 0
    for suite in suites():
        for encap in (None, (4500, 4500), (4501, 32000)):
            for mode, outer, inner in WAYS:
                yield Cell(rng, number, "esp", mode, outer, inner, suite, encap)
                number += 1
    for mac in MACS + AH_MACS:
        for mode, outer, inner in WAYS:
            for esn in (False, True):
                yield Cell(rng, number, "ah", mode, outer, inner, (None, mac, esn), None)
                number += 1


def stacks(rng, number):
    """(inner, outer): ESP inside AH between the same hosts, and anything inside a tunnel."""
    for family in (4, 6):
        for suite in ((AEADS[0], None, False), (AEADS[0], None, True), (CIPHERS[0], MACS[0], False)):
            for encap in (None, (4500, 4500)):
                for mode in ("transport", "tunnel"):
                    inner = Cell(rng, number, "esp", mode, family, family, suite, encap)
                    yield inner, around(inner, Cell(rng, number, "ah", "transport", family, family,
                                                    (None, MACS[0], False), None))
                    number += 1
        for protocol, suite in (("esp", (AEADS[0], None, False)), ("ah", (None, MACS[1], True))):
            for outer in (4, 6):
                for inside in ("esp", "ah"):
                    inner = Cell(rng, number, inside, "tunnel", family, 4,
                                 (AEADS[0], None, False) if inside == "esp" else (None, MACS[0], False), None)
                    yield inner, around(inner, Cell(rng, number + 1, protocol, "tunnel", outer, family,
                                                    suite, None))
                    number += 2


def around(inner, outer):
    """outer, so that it carries what inner seals."""
    outer.inner_src, outer.inner_dst = inner.src, inner.dst
    outer.spi = inner.spi ^ 1
    return outer


def address(family, net, number):
    if family == 4:
        return str(ipaddress.IPv4Address((net << 24) + (number << 4) + 1))
    return str(ipaddress.IPv6Address((0xFD << 120) + (net << 64) + (number << 4) + 1))


class Cell:
    """One SA, in both notations."""

    def __init__(self, rng, number, protocol, mode, outer, inner, suite, encap):
        self.number, self.protocol, self.mode = number, protocol, mode
        self.outer, self.inner, self.encap = outer, inner, encap
        self.encr, self.mac, self.esn = suite
        self.spi = 0x10000000 + (number << 12) + rng.getrandbits(12)
        self.encr_key = rng.randbytes(self.encr[3]) if self.encr else b""
        self.mac_key = rng.randbytes(self.mac[3]) if self.mac else b""
        self.high = rng.getrandbits(31) if self.esn else 0
        self.src, self.dst = address(outer, 10, number), address(outer, 20, number)
        if mode == "tunnel":
            self.inner_src, self.inner_dst = address(inner, 30, number), address(inner, 40, number)
        else:
            self.inner_src, self.inner_dst = self.src, self.dst
        algorithms = "-".join(a[0] for a in (self.encr, self.mac) if a) + ("-esn" if self.esn else "")
        self.name = "%s %s %din%d %s%s" % (protocol, mode, inner, outer, algorithms,
                                           " udp %d>%d" % encap if encap else "")
        self.by_reference = protocol == "esp" and (self.encr in MORE_AEADS or self.mac == XCBC or
                                                   (self.esn and self.mac is not None))
        self.iv_len = IV_LEN[self.encr[2]] if self.encr and self.encr[2] else 0
        if self.encr and "4543" in self.encr[1]:
            self.iv_len = 8
        self.icv_len = (self.mac or self.encr)[4] // 8
        if self.mac in AH_MACS:
            self.icv_len += 8  # the IV is in front of it
        self.surplus = 16 - self.icv_len if self.encr and self.encr[2] == "AES-GCM" else 0

    def xfrm(self):
        """The SA as `ip xfrm state` prints it."""
        lines = ["src %s dst %s" % (self.src, self.dst),
                 "proto %s spi 0x%08x reqid 1 mode %s" % (self.protocol, self.spi, self.mode),
                 "replay-window 64 flag af-unspec" + (" esn" if self.esn else "")]
        if self.mac:
            lines.append("auth-trunc %s 0x%s %d" % (self.mac[1], self.mac_key.hex(), self.mac[4]))
            if self.encr:
                lines.append("enc %s %s" % (self.encr[1], "0x" + self.encr_key.hex() if self.encr_key else ""))
        else:
            lines.append("aead %s 0x%s %d" % (self.encr[1], self.encr_key.hex(), self.encr[4]))
        if self.encap:
            lines.append("encap type espinudp sport %d dport %d addr 0.0.0.0" % self.encap)
        if self.esn:
            lines += ["anti-replay esn context:",
                      " seq-hi 0x%x, seq 0x0, oseq-hi 0x%x, oseq 0x0" % (self.high, self.high),
                      " replay_window 64, bitmap-length 2", " 00000000 00000000"]
        if self.mode == "tunnel":
            bits = 32 if self.inner == 4 else 128
            lines.append("sel src %s/%d dst %s/%d" % (self.inner_src, bits, self.inner_dst, bits))
        return "\n\t".join(lines) + "\n"

    def other(self):
        """The SA in the other implementation: scapy's, or reference.py's."""
        if self.by_reference:
            return Reference(self)
        ip = IP if self.outer == 4 else IPv6
        options = {"esn_en": True, "esn": self.high} if self.esn else {}
        if self.encr and self.encr[2] != "NULL":
            options.update(crypt_algo=self.encr[2], crypt_key=self.encr_key)
        if self.encr and not self.mac:
            options["crypt_icv_size"] = self.icv_len + self.surplus
        if self.mac:
            options.update(auth_algo=self.mac[2], auth_key=self.mac_key)
        if self.mode == "tunnel":
            options["tunnel_header"] = ip(src=self.src, dst=self.dst)
        if self.encap:
            options["nat_t_header"] = UDP(sport=self.encap[0], dport=self.encap[1])
        return SecurityAssociation(ESP if self.protocol == "esp" else AH, spi=self.spi, **options)
