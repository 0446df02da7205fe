"""AES-GMAC for scapy's AH (RFC 4543 section 4): the ICV field is the packet's IV and the tag over the
packet as it arrives, with zeros in the whole of that field (RFC 4302 section 3.1).

SPDX-License-Identifier: Apache-2.0
"""
import os
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from scapy.layers.ipsec import AH, AUTH_ALGOS, AuthAlgo, IPSecIntegrityError, zero_mutable_fields
from scapy.all import raw


class Gmac(AuthAlgo):
    def __init__(self, name, key_len):
        super().__init__(name, mac=AESGCM, digestmod=None, icv_size=24, key_size=(key_len,))

    def tag(self, packet, key, iv, sending, high):
        octets = raw(zero_mutable_fields(packet.copy(), sending=sending)) + high
        return AESGCM(key[:-4]).encrypt(key[-4:] + iv, b"", octets)

    def sign(self, pkt, key, esn_en=False, esn=0):
        iv = os.urandom(8)
        pkt[AH].icv = iv + self.tag(pkt, key, iv, True, struct.pack("!L", esn) if esn_en else b"")
        return pkt

    def verify(self, pkt, key, esn_en=False, esn=0):
        pkt[AH].padding = pkt[AH].icv[24:]
        pkt[AH].icv = pkt[AH].icv[:24]
        iv, tag = pkt[AH].icv[:8], pkt[AH].icv[8:]
        if tag != self.tag(pkt, key, iv, False, struct.pack("!L", esn) if esn_en else b""):
            raise IPSecIntegrityError("the tag is wrong")


for bits in (128, 192, 256):
    AUTH_ALGOS["AES-%d-GMAC" % bits] = Gmac("AES-%d-GMAC" % bits, bits // 8 + 4)
