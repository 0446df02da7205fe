"""UDP datagrams of many sizes there and back, each reversed by the server.

    udp_echo.py serve ADDRESS
    udp_echo.py ask ADDRESS     # exit status 1 when one comes back changed or not at all
"""
# SPDX-License-Identifier: Apache-2.0

import socket, sys
mode, host = sys.argv[1:3]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
if mode == "serve":
    s.bind((host, 7007))
    print("serving", flush=True)
    while True:
        data, peer = s.recvfrom(65535)
        s.sendto(data[::-1], peer)
s.settimeout(1)
def ask(data):
    for _ in range(3): # where DF is set, a packet may be lost to find the path's MTU
        s.sendto(data, (host, 7007))
        try:
            return s.recv(65535)
        except TimeoutError:
            pass
for n in (1, 100, 1372, 1400, 1500, 3000, 20000, 60000):
    data = bytes(i * 7 % 251 for i in range(n))
    if ask(data) != data[::-1]:
        sys.exit(f"{n} octets came back changed or not at all")
