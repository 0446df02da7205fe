"""IP headers as octets: where they end, and their lengths set right.

SPDX-License-Identifier: Apache-2.0
"""
import struct


def upper(octets):
    """Where the payload begins, IPv6 options headers left behind, and its protocol."""
    if octets[0] >> 4 == 4:
        return (octets[0] & 15) * 4, octets[9]
    at, following = 40, octets[6]
    while following in (0, 60):
        at, following = at + 8 * (octets[at + 1] + 1), octets[at]
    return at, following


def header_len(octets):
    return upper(octets)[0]


def front(octets):
    """Octets that stay in front of ESP, and where they name it; destination options are behind."""
    if octets[0] >> 4 == 4:
        return (octets[0] & 15) * 4, 9
    return (48 + 8 * octets[41], 40) if octets[6] == 0 else (40, 6)


def behind(octets, protocol):
    """Where this protocol's header begins, and where it is named."""
    if octets[0] >> 4 == 4:
        return (octets[0] & 15) * 4, 9
    at, names_protocol = 40, 6
    while octets[names_protocol] != protocol:
        at, names_protocol = at + 8 * (octets[at + 1] + 1), at
    return at, names_protocol


def with_length(octets):
    """The packet with the lengths and the IPv4 checksum of its headers set right."""
    p = bytearray(octets)
    at, protocol = upper(p)
    if p[0] >> 4 == 4:
        struct.pack_into(">H", p, 2, len(p))
        p[10:12] = b"\0\0"
        total = sum(struct.unpack(">%dH" % (at // 2), p[:at]))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        struct.pack_into(">H", p, 10, total ^ 0xFFFF)
    else:
        struct.pack_into(">H", p, 4, len(p) - 40)
    if protocol == 17:
        struct.pack_into(">H", p, at + 4, len(p) - at)
    return bytes(p)
