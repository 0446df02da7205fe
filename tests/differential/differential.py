#!/usr/bin/python3
"""`culvert packet` against scapy (and reference.py, where scapy has nothing), over the matrix of matrix.py.

    differential.py CULVERT [--seed N] [--packets N] [--only TEXT]

open: the other seals random packets; before each come copies with one bit changed in every part
that is protected, cut short or made longer, after all of them each once more.  The genuine
ones must come out as they went in, and nothing else may come out.
seal: culvert seals random packets; the other opens them.
stacks: one SA inside another, both ways.

Prints its seed; the same seed does the same thing.  --only takes the cells whose name has
TEXT in it.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import contextlib
import json
import logging
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)

from scapy.all import (AH, ESP, ICMP, IP, TCP, UDP, HBHOptUnknown, ICMPv6EchoRequest,  # noqa: E402
                       IPOption_RR, IPOption_Router_Alert, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, Raw,
                       RouterAlert, bind_layers, raw, split_layers)

from headers import behind, header_len, with_length  # noqa: E402
from matrix import cells, stacks  # noqa: E402

ESP_LAYERS = [(IP, {"proto": 50}), (IPv6, {"nh": 50}), (UDP, {"dport": 4500}), (UDP, {"sport": 4500})]
GENUINE, TAMPERED, REPLAYED = "genuine", "tampered", "replayed"


# --- captures of raw IP ---------------------------------------------------------------


def write_capture(name, packets):
    with open(name, "wb") as f:
        f.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        for i, p in enumerate(packets):
            f.write(struct.pack("<IIII", i, 0, len(p), len(p)) + p)


def read_capture(name):
    with open(name, "rb") as f:
        octets = f.read()
    packets, at = [], 24
    while at < len(octets):
        n = struct.unpack_from("<I", octets, at + 8)[0]
        packets.append(octets[at + 16:at + 16 + n])
        at += 16 + n
    return packets


# --- packets --------------------------------------------------------------------------


def add_headers(rng, ip):
    """Options and extension headers, some of which routers may change (RFC 4302 appendix A)."""
    if ip.version == 4:
        ip.options = rng.choice([[IPOption_Router_Alert()], [IPOption_RR(routers=["192.0.2.1", "192.0.2.2"])],
                                 [IPOption_Router_Alert(), IPOption_RR(routers=["192.0.2.3"])]])
        return ip
    fixed, mutable = RouterAlert(), HBHOptUnknown(otype=0x3E, optdata=rng.randbytes(5))
    for header in rng.choice([[IPv6ExtHdrHopByHop(options=[fixed])],
                              [IPv6ExtHdrHopByHop(options=[mutable, fixed])],
                              [IPv6ExtHdrHopByHop(options=[fixed]), IPv6ExtHdrDestOpt(options=[mutable])]]):
        ip = ip / header
    return ip


def random_packet(rng, cell):
    """An IP packet that belongs to the cell's SA."""
    if cell.inner == 4:
        ip = IP(src=cell.inner_src, dst=cell.inner_dst, id=rng.getrandbits(16), ttl=rng.randint(1, 255),
                tos=rng.getrandbits(6) << 2, flags=rng.choice(["", "DF"]))
    else:
        ip = IPv6(src=cell.inner_src, dst=cell.inner_dst, hlim=rng.randint(1, 255),
                  tc=rng.getrandbits(6) << 2, fl=rng.getrandbits(20))
    if rng.random() < 0.3 and not (cell.surplus and cell.mode == "transport"):  # see other_opens
        ip = add_headers(rng, ip)
    upper = rng.choice([
        UDP(sport=rng.randint(1, 400), dport=rng.randint(1, 400)),
        TCP(sport=rng.getrandbits(16), dport=rng.getrandbits(16), seq=rng.getrandbits(32), flags="PA"),
        ICMP(id=rng.getrandbits(16)) if cell.inner == 4 else ICMPv6EchoRequest(id=rng.getrandbits(16)),
    ])
    return raw(ip / upper / Raw(rng.randbytes(rng.choice([0, 1, 2, 3, 15, 16, 64, rng.randint(0, 1300)]))))


def parse(octets):
    return IP(octets) if octets[0] >> 4 == 4 else IPv6(octets)


def parts(cell, octets):
    """(first, behind) of every part that is protected."""
    at, end = header_len(octets), len(octets)
    if cell.protocol == "ah":
        ah = 12 + cell.icv_len
        if cell.outer == 4:
            yield from ((4, 6), (12, 16), (16, 20))  # identification, addresses
        else:
            yield from ((8, 24), (24, 40))
        # next header, reserved, SPI, number, ICV, payload; a changed length is another header
        yield from ((at, at + 1), (at + 2, at + 4), (at + 4, at + 8), (at + 8, at + 12),
                    (at + 12, at + ah), (at + ah + (4 if cell.outer == 6 and ah % 8 else 0), end))
        return
    at += 8 if cell.encap else 0
    body = at + 8 + cell.iv_len
    yield from ((at, at + 4), (at + 4, at + 8), (at + 8, body), (body, end - cell.icv_len),
                (end - cell.icv_len, end))


def tampered(rng, cell, octets):
    for first, behind in parts(cell, octets):
        if behind > first:
            p = bytearray(octets)
            p[rng.randrange(first, behind)] ^= 1 << rng.randrange(8)
            yield with_length(bytes(p))
    yield with_length(octets[:-rng.choice([1, 4, cell.icv_len, 16])])
    yield with_length(octets + rng.randbytes(rng.choice([1, 4, 16])))


# --- comparing ------------------------------------------------------------------------


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.failures = []
        self.sa_file = os.path.join(folder, "sa")

    def fail(self, cell, what):
        self.failures.append("%s: %s" % (cell.name, what))

    def culvert(self, verb, packets, matrix):
        """Answers (a JSON line each, the packets that came out)."""
        with open(self.sa_file, "w") as f:
            f.writelines(cell.xfrm() for cell in matrix)
        name_in, name_out = (os.path.join(self.folder, verb + end) for end in ("-in.pcap", "-out.pcap"))
        write_capture(name_in, packets)
        done = subprocess.run([self.args.culvert, "packet", verb, "--sa", self.sa_file, "--in", name_in,
                               "--out", name_out, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode not in (0, 1):
            sys.exit("culvert packet %s: exit %d: %s" % (verb, done.returncode, done.stderr.decode()))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if [line["n"] for line in lines] != list(range(1, len(packets) + 1)):
            sys.exit("culvert packet %s: %d lines for %d packets" % (verb, len(lines), len(packets)))
        if (done.returncode == 1) != any(line["verdict"] != "ok" for line in lines):
            sys.exit("culvert packet %s: exit %d does not fit the verdicts" % (verb, done.returncode))
        return lines, read_capture(name_out)


@contextlib.contextmanager
def unknown_esp():
    """scapy's AH puts its ICV into an ESP packet that it finds inside."""
    for lower, key in ESP_LAYERS:
        split_layers(lower, ESP, **key)
    yield
    for lower, key in ESP_LAYERS:
        bind_layers(lower, ESP, **key)


def other_seals(cell, sa, inside, **options):
    """scapy leaves the UDP length at 8 and forgets extension headers; the reference leaves UDP to us."""
    udp = cell.encap and (cell.by_reference or cell.mode == "transport")
    if udp:
        sa.nat_t_header = None
    with unknown_esp() if cell.protocol == "ah" else contextlib.nullcontext():
        octets = raw(sa.encrypt(parse(inside), **options))
    if udp:
        at, names_protocol = behind(octets, 50)
        octets = octets[:names_protocol] + b"\x11" + octets[names_protocol + 1:at] + \
            struct.pack(">HHHH", *cell.encap, 0, 0) + octets[at:]
    return with_length(octets[:len(octets) - cell.surplus])


def open_way(run, rng, matrix):
    stream = []  # (kind, cell, octets, what is inside)
    for cell in matrix:
        sa, genuine = cell.other(), []
        for _ in range(run.args.packets):
            inside = random_packet(rng, cell)
            outside = other_seals(cell, sa, inside)
            stream += [(TAMPERED, cell, p, None) for p in tampered(rng, cell, outside)]
            genuine.append((GENUINE, cell, outside, inside))
            stream.append(genuine[-1])
        stream += [(REPLAYED,) + g[1:] for g in genuine]
    lines, came_out = run.culvert("open", [octets for _, _, octets, _ in stream], matrix)
    came_out = iter(came_out)
    for (kind, cell, _, inside), line in zip(stream, lines):
        accepted = line["verdict"] == "ok"
        result = next(came_out, None) if accepted else None
        if kind == GENUINE and not accepted:
            run.fail(cell, "packet %d of theirs is dropped: %s" % (line["n"], line["verdict"]))
        elif kind == GENUINE and inside != result:
            run.fail(cell, "packet %d of theirs comes out changed" % line["n"])
        elif kind == GENUINE and line["spi"] != cell.spi:
            run.fail(cell, "packet %d has SPI %s instead of %d" % (line["n"], line["spi"], cell.spi))
        elif kind == TAMPERED and accepted:
            run.fail(cell, "tampered packet %d is accepted" % line["n"])
        elif kind == REPLAYED and line["verdict"] != "replay":
            run.fail(cell, "repeated packet %d: %s" % (line["n"], line["verdict"]))
    return {kind: sum(1 for s in stream if s[0] == kind) for kind in (GENUINE, TAMPERED, REPLAYED)}


def other_opens(cell, octets, inside):
    """What the other finds inside; UDP is taken off here, for scapy knows one port only."""
    packet = parse(octets)
    if cell.encap:
        udp = packet[UDP]
        if (udp.sport, udp.dport) != cell.encap:
            raise ValueError("UDP ports %d > %d" % (udp.sport, udp.dport))
        esp = ESP(raw(udp.payload))
        at, names_protocol = behind(octets, 17)
        packet = parse(with_length(octets[:names_protocol] + b"\x32" + octets[names_protocol + 1:at] + raw(esp)))
    if (packet.src, packet.dst) != (cell.src, cell.dst):
        raise ValueError("outer addresses %s > %s" % (packet.src, packet.dst))
    seq = packet[ESP if cell.protocol == "esp" else AH].seq
    sa = cell.other()
    sa.nat_t_header = None
    if cell.surplus:
        # it cannot check a shorter ICV, but what it seals the same way must be the same
        esp = raw(packet[ESP])
        again = other_seals(cell, sa, inside, seq_num=seq, iv=esp[8:8 + cell.iv_len])
        if not again.endswith(esp):
            raise ValueError("the other seals it differently")
        return seq, inside
    return seq, raw(sa.decrypt(packet))


def seal_way(run, rng, matrix):
    stream = [(cell, random_packet(rng, cell), i + 1)
              for cell in matrix for i in range(run.args.packets)]
    lines, came_out = run.culvert("seal", [inside for _, inside, _ in stream], matrix)
    came_out = iter(came_out)
    for (cell, inside, number), line in zip(stream, lines):
        if line["verdict"] != "ok":
            run.fail(cell, "packet %d is not sealed: %s" % (line["n"], line["verdict"]))
            continue
        outside = next(came_out, b"")
        try:
            seq, opened = other_opens(cell, outside, inside)
        except Exception as why:  # scapy raises what it likes
            run.fail(cell, "the other does not open packet %d: %s %s" % (line["n"], type(why).__name__, why))
            continue
        if inside != opened:
            run.fail(cell, "packet %d comes out of the other changed" % line["n"])
        if seq != number or line["seq"] != number + (cell.high << 32):
            run.fail(cell, "packet %d has number %d, said to be %d" % (line["n"], seq, line["seq"]))
    return len(stream)


def open_stacks(run, rng, matrix):
    stream = []
    for inner, outer in matrix:
        sas = inner.other(), outer.other()
        for _ in range(run.args.packets):
            inside = random_packet(rng, inner)
            between = other_seals(inner, sas[0], inside)
            stream.append((inner, outer, other_seals(outer, sas[1], between), inside))
    lines, came_out = run.culvert("open", [s[2] for s in stream], [cell for pair in matrix for cell in pair])
    came_out = iter(came_out)
    for (inner, outer, _, inside), line in zip(stream, lines):
        if line["verdict"] != "ok" or line["spi"] != inner.spi:
            run.fail(inner, "inside %s: %s, SPI %s" % (outer.name, line["verdict"], line["spi"]))
        elif inside != next(came_out):
            run.fail(inner, "inside %s: a packet of theirs comes out changed" % outer.name)
    return len(stream)


def seal_stacks(run, rng, matrix):
    """An SA file each: the capture that one writes is what the other reads."""
    stream = [(inner, outer, random_packet(rng, inner)) for inner, outer in matrix
              for _ in range(run.args.packets)]
    _, between = run.culvert("seal", [s[2] for s in stream], [inner for inner, _ in matrix])
    _, outside = run.culvert("seal", between, [outer for _, outer in matrix])
    if len(outside) != len(stream):
        run.fail(stream[0][0], "%d of %d stacked packets are sealed" % (len(outside), len(stream)))
    for (inner, outer, inside), middle, octets in zip(stream, between, outside):
        try:
            _, opened = other_opens(outer, octets, middle)
            _, opened = other_opens(inner, opened, inside)
        except Exception as why:
            run.fail(inner, "inside %s: the other does not open it: %s %s" %
                     (outer.name, type(why).__name__, why))
            continue
        if inside != opened:
            run.fail(inner, "inside %s: a packet comes out of the other changed" % outer.name)
    return len(stream)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("culvert")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--packets", type=int, default=2)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    print("seed %d" % args.seed, flush=True)
    rng = random.Random(args.seed)
    matrix = [cell for cell in cells(rng) if args.only in cell.name]
    with tempfile.TemporaryDirectory(prefix="culvert-differential-") as folder:
        run, start = Run(args, folder), time.monotonic()
        opened = open_way(run, rng, matrix)
        sealed = seal_way(run, rng, matrix)
        piles = [pair for pair in stacks(rng, 2000) if args.only in pair[0].name]
        stacked = open_stacks(run, rng, piles) + seal_stacks(run, rng, piles) if piles else 0
    for failure in run.failures[:40]:
        print(failure)
    print("%d cells: %d packets of theirs opened, %d tampered and %d repeated refused; %d packets of ours "
          "opened by them; %d in two SAs; %d wrong; %.1f s" %
          (len(matrix), opened[GENUINE], opened[TAMPERED], opened[REPLAYED], sealed, stacked,
           len(run.failures), time.monotonic() - start))
    if run.failures:
        print("replay: %s --seed %d --packets %d" % (" ".join(sys.argv[:2]), args.seed, args.packets))
    return 1 if run.failures or not matrix else 0


if __name__ == "__main__":
    sys.exit(main())
