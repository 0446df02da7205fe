#!/usr/bin/env python3
"""A control socket that has traffic to tell of, for pictures of the page without a daemon.
    vici_figures.py SOCKET
SPDX-License-Identifier: Apache-2.0"""
import math
import os
import socket
import struct
import sys
import threading
import time

START = time.time()
DROPS = {"replay": 41, "icv": 4, "no_policy": 1893, "ike_cookie": 260, "authentication_failed": 12, "cleartext": 77}


def value(name, text):
    return struct.pack("!BB", 3, len(name)) + name.encode() + struct.pack("!H", len(text)) + text.encode()


def section(name, members):
    return struct.pack("!BB", 1, len(name)) + name.encode() + b"".join(value(k, str(v)) for k, v in members.items()) + b"\x02"


def integral(t, base, swing, period):
    return int(base * t + swing * period / (2 * math.pi) * (1 - math.cos(2 * math.pi * t / period)))


def stats():
    t = time.time() - START + 900
    bytes_in, bytes_out = integral(t, 41e6, 19e6, 47) + integral(t, 2e6, 6e6, 11), integral(t, 17e6, 6e6, 31)
    traffic = {"packets-in": bytes_in // 700, "bytes-in": bytes_in, "packets-out": bytes_out // 500, "bytes-out": bytes_out}
    return section("ikesas", {"total": 1874, "half-open": 3}) + section("traffic", traffic) + section("errors", {k: v + int(t) // 9 for k, v in DROPS.items()})


def serve(c):
    def read(n):
        got = b""
        while len(got) < n:
            more = c.recv(n - len(got))
            if not more:
                raise EOFError
            got += more
        return got
    try:
        while True:
            packet = read(struct.unpack("!I", read(4))[0])
            command = packet[2:2 + packet[1]].decode()
            body = b"\x01" + (stats() if command == "stats" else value("version", "0.1.0"))
            c.sendall(struct.pack("!I", len(body)) + body)
    except (EOFError, OSError):
        c.close()


listener = socket.socket(socket.AF_UNIX)
if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
listener.bind(sys.argv[1])
listener.listen()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
