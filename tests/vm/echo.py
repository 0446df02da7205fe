"""Sends N random octets to an echo server and wants them back: echo.py HOST N [SOURCE]."""
# SPDX-License-Identifier: Apache-2.0
import os
import socket
import sys
import threading

host, count = sys.argv[1], int(sys.argv[2])
data = os.urandom(count)
with socket.create_connection((host, 7), 10) as sock:
    sock.settimeout(20)

    def send():
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)

    threading.Thread(target=send, daemon=True).start()
    back = bytearray()
    while chunk := sock.recv(65536):
        back += chunk
sys.exit(0 if back == data else f"{len(back)} of {count} octets came back, or other ones")
