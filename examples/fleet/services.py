#!/usr/bin/env python3
"""What stands behind the gateway in the demo of a fleet: a DNS server and a firmware server; and what a
device asks them with.  Standard library alone.

    services.py serve ADDRESS DNS_ADDRESS    DNS on port 53, HTTP on port 80
    services.py resolve DNS_ADDRESS NAME     prints the address
    services.py fetch ADDRESS PATH           prints what came
    services.py scan ADDRESS                 TCP: prints how many of 65535 ports are open
    services.py command ADDRESS              waits for one line on TCP port 7000 and prints it
    services.py send ADDRESS LINE            sends one there
SPDX-License-Identifier: Apache-2.0"""
import http.client
import http.server
import select
import socket
import struct
import sys
import threading

FIRMWARE = b"culvert demo firmware 1.2.3\n" * 2000
NAMES = {"broker.fleet.example": 0, "firmware.fleet.example": 0}
COMMAND_PORT = 7000


# ---- DNS (RFC 1035): one question, type A ----
def pack_name(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"


def read_name(data, at):
    parts = []
    while data[at]:
        parts.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(parts), at + 1


def answer_dns(query, address):
    name, end = read_name(query, 12)
    known = name.lower() in NAMES
    head = query[:2] + struct.pack("!HHHHH", 0x8580 if known else 0x8583, 1, int(known), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address)
    return head + query[12:end + 4] + (record if known else b"")


def serve_dns(dns_address, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((dns_address, 53))
        while True:
            query, peer = s.recvfrom(512)
            s.sendto(answer_dns(query, address), peer)


def resolve(dns_address, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.sendto(struct.pack("!HHHHHH", 17, 0x100, 1, 0, 0, 0) + pack_name(name) + struct.pack("!HH", 1, 1),
                 (dns_address, 53))
        data = s.recv(512)
    if struct.unpack("!H", data[6:8])[0] == 0:
        sys.exit(f"{name}: no such name")
    print(socket.inet_ntoa(data[-4:]))


# ---- firmware ----
class Firmware(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/firmware.bin" else 404)
        self.send_header("Content-Length", str(len(FIRMWARE)))
        self.end_headers()
        self.wfile.write(FIRMWARE)

    def log_message(self, *args):
        pass


def serve(address, dns_address):
    threading.Thread(target=serve_dns, args=(dns_address, address), daemon=True).start()
    server = http.server.ThreadingHTTPServer((address, 80), Firmware)
    print("serving", flush=True)
    server.serve_forever()


def fetch(address, path):
    c = http.client.HTTPConnection(address, timeout=5)
    c.request("GET", path)
    body = c.getresponse().read()
    print(f"{len(body)} octets, {'as published' if body == FIRMWARE else 'changed'}")


# ---- what a stranger finds ----
def scan(address):
    opened = 0
    poll = select.poll()
    waiting = {}
    for port in range(1, 65536):
        s = socket.socket()
        s.setblocking(False)
        if s.connect_ex((address, port)) == 0:
            opened += 1
        waiting[s.fileno()] = s
        poll.register(s, select.POLLOUT)
        while len(waiting) >= 512 or (port == 65535 and waiting):
            ready = poll.poll(1000)
            for fd, _ in ready or [(fd, 0) for fd in waiting]:
                opened += bool(ready) and waiting[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                poll.unregister(fd)
                waiting.pop(fd).close()
    print(opened)


# ---- a command from the platform ----
def command(address):
    with socket.create_server((address, COMMAND_PORT)) as s:
        print("waiting", flush=True)
        peer, _ = s.accept()
        print(peer.makefile().readline().strip(), flush=True)


def send(address, line):
    with socket.create_connection((address, COMMAND_PORT), timeout=5) as s:
        s.sendall(line.encode() + b"\n")


if __name__ == "__main__":
    verbs = {f.__name__: f for f in (serve, resolve, fetch, scan, command, send)}
    if len(sys.argv) < 3 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    verbs[sys.argv[1]](*sys.argv[2:])
