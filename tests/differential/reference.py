"""ESP written from the RFCs for what scapy lacks: extended numbers with a MAC, AES-XCBC, AES-GMAC
and implicit IVs (RFC 4303, 3566, 4543, 8750).  Same verbs as scapy's SecurityAssociation.

Knows nothing of culvert's code; the primitives are those of python's cryptography.

SPDX-License-Identifier: Apache-2.0
"""
import os
import struct

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from scapy.all import ESP, IP, IPv6, raw

from headers import behind, front, with_length

HASHES = {"sha256": hashes.SHA256, "sha1": hashes.SHA1, "sha384": hashes.SHA384, "sha512": hashes.SHA512}


def aes_block(key, block):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def xcbc(key, message):
    """RFC 3566 section 4."""
    k1, k2, k3 = (aes_block(key, bytes([i]) * 16) for i in (1, 2, 3))
    blocks = [message[i:i + 16] for i in range(0, len(message), 16)] or [b""]
    last, state = blocks.pop(), bytes(16)
    for block in blocks:
        state = aes_block(k1, xor(state, block))
    full = len(last) == 16
    last = last if full else (last + b"\x80").ljust(16, b"\0")
    return aes_block(k1, xor(xor(state, last), k2 if full else k3))


class Reference:
    def __init__(self, cell):
        self.cell, self.seq = cell, 0

    # --- one packet's algorithms ---

    def mac(self, octets, high):
        """RFC 4303 section 2.2.1: the high half is behind what is sent."""
        cell = self.cell
        octets += struct.pack(">I", high) if cell.esn else b""
        if cell.mac[0] == "aesxcbc":
            return xcbc(cell.mac_key, octets)[:cell.icv_len]
        h = hmac.HMAC(cell.mac_key, HASHES[cell.mac[0]]())
        h.update(octets)
        return h.finalize()[:cell.icv_len]

    def aead(self):
        key, kind = self.cell.encr_key, self.cell.encr[1]
        salt = 3 if "ccm" in kind else 4
        if "ccm" in kind:
            cipher = AESCCM(key[:-salt], tag_length=self.cell.icv_len)
        else:
            cipher = (ChaCha20Poly1305 if "chacha" in kind else AESGCM)(key[:-salt])
        return cipher, key[-salt:]

    def header(self, low, high):
        return struct.pack(">I", self.cell.spi) + (struct.pack(">I", high) if self.cell.esn else b"") + \
            struct.pack(">I", low)

    def protect(self, plain, low, high):
        """What stands behind SPI and number."""
        cell, front = self.cell, struct.pack(">II", self.cell.spi, low)
        if cell.mac:
            iv = os.urandom(16)
            encryptor = Cipher(algorithms.AES(cell.encr_key), modes.CBC(iv)).encryptor()
            body = iv + encryptor.update(plain) + encryptor.finalize()
            return body + self.mac(front + body, high)
        cipher, salt = self.aead()
        iv = os.urandom(cell.iv_len) if cell.iv_len else struct.pack(">II", high, low)
        sent = iv[:cell.iv_len]
        if "4543" in cell.encr[1]:  # the plaintext is authenticated only (RFC 4543 section 3)
            return sent + plain + cipher.encrypt(salt + iv, b"", self.header(low, high) + sent + plain)
        return sent + cipher.encrypt(salt + iv, plain, self.header(low, high))

    def unprotect(self, octets, low, high):
        cell = self.cell
        iv, body, icv = (octets[:cell.iv_len], octets[cell.iv_len:-cell.icv_len], octets[-cell.icv_len:])
        if cell.mac:
            if self.mac(struct.pack(">II", cell.spi, low) + iv + body, high) != icv:
                raise ValueError("the MAC is wrong")
            decryptor = Cipher(algorithms.AES(cell.encr_key), modes.CBC(iv)).decryptor()
            return decryptor.update(body) + decryptor.finalize()
        cipher, salt = self.aead()
        nonce = salt + (iv or struct.pack(">II", high, low))
        if "4543" in cell.encr[1]:
            cipher.decrypt(nonce, icv, self.header(low, high) + iv + body)
            return body
        return cipher.decrypt(nonce, body + icv, self.header(low, high))

    # --- scapy's verbs ---

    def encrypt(self, packet):
        cell, self.seq = self.cell, self.seq + 1
        four = cell.outer == 4
        if cell.mode == "tunnel":
            inside, following = raw(packet), 4 if cell.inner == 4 else 41
        else:
            packet = raw(packet)
            at, names_protocol = front(packet)
            inside, following = packet[at:], packet[names_protocol]
        pad = -(len(inside) + 2) % (16 if cell.mac else 4)
        plain = inside + bytes(range(1, pad + 1)) + bytes([pad, following])
        esp = struct.pack(">II", cell.spi, self.seq) + self.protect(plain, self.seq, cell.high)
        if cell.mode == "transport":
            return (IP if four else IPv6)(packet[:names_protocol] + b"\x32" + packet[names_protocol + 1:at] + esp)
        return IP(src=cell.src, dst=cell.dst, proto=50) / esp if four else IPv6(src=cell.src, dst=cell.dst, nh=50) / esp

    def decrypt(self, packet):
        cell, esp = self.cell, packet[ESP]
        plain = self.unprotect(bytes(esp.data), esp.seq, cell.high)
        pad, following = plain[-2:]
        inside, padding = plain[:-2 - pad], plain[len(plain) - 2 - pad:-2]
        if padding != bytes(range(1, pad + 1)):
            raise ValueError("the padding is wrong")
        if cell.mode == "tunnel":
            if following != (4 if cell.inner == 4 else 41):
                raise ValueError("next header %d" % following)
            return inside
        octets = raw(packet)
        at, names_protocol = behind(octets, 50)
        return with_length(octets[:names_protocol] + bytes([following]) + octets[names_protocol + 1:at] + inside)
