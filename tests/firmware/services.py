#!/usr/bin/env python3
"""What the firmware's test needs beside a broker, each a few octets of its RFC.

    services.py dns ADDRESS NAME=ADDRESS...   A records (RFC 1035)
    services.py coap ADDRESS                  answers GET /time (RFC 7252)
    services.py dhcp INTERFACE OFFER ROUTER   offers one address (RFC 2131)

SPDX-License-Identifier: Apache-2.0
"""
import socket
import struct
import sys


def listen(address, port, interface=None):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if interface:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    s.bind((address, port))
    return s


def dns(address, *names):
    known = dict(name.split("=") for name in names)
    s = listen(address, 53)
    while True:
        query, sender = s.recvfrom(512)
        end = query.index(0, 12)
        labels, at = [], 12
        while at < end:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        found = known.get(".".join(labels))
        head = query[:2] + struct.pack("!HHHHH", 0x8180 if found else 0x8183, 1, 1 if found else 0, 0, 0)
        answer = b""
        if found:
            answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(found)
        s.sendto(head + query[12:end + 5] + answer, sender)


def coap(address):
    s = listen(address, 5683)
    while True:
        request, sender = s.recvfrom(1500)
        s.sendto(b"\x60\x45" + request[2:4] + b"\xff1764547200", sender)  # ACK, 2.05 Content


def dhcp(interface, offer, router):
    s = listen("", 67, interface)
    while True:
        request = s.recvfrom(1500)[0]
        options, at = {}, 240
        while request[at] != 255:
            n = request[at + 1]
            options[request[at]] = request[at + 2:at + 2 + n]
            at += 2 + n
        kind = {1: 2, 3: 5}.get(options[53][0])  # DISCOVER: OFFER, REQUEST: ACK
        if kind is None:
            continue
        fixed = struct.pack("!BBBB4sHH4s4s4s4s16s192s4s", 2, 1, 6, 0, request[4:8], 0, 0x8000, bytes(4),
                            socket.inet_aton(offer), socket.inet_aton(router), bytes(4),
                            request[28:44], bytes(192), b"\x63\x82\x53\x63")
        s.sendto(fixed + bytes([53, 1, kind, 54, 4]) + socket.inet_aton(router) + bytes([51, 4, 0, 0, 14, 16]) +
                 bytes([1, 4, 255, 255, 255, 0, 3, 4]) + socket.inet_aton(router) + b"\xff", ("255.255.255.255", 68))


if __name__ == "__main__":
    {"dns": dns, "coap": coap, "dhcp": dhcp}[sys.argv[1]](*sys.argv[2:])
