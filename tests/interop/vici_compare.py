#!/usr/bin/env python3
"""The same operations over VICI to culvertd and to charon: what they answer has the same keys of the same
types, and what one refuses the other refuses.
    vici_compare.py CULVERTD_SOCKET CHARON_SOCKET
SPDX-License-Identifier: Apache-2.0"""
import socket
import struct
import sys

SECTION, END, VALUE, LIST, ITEM, LIST_END = range(1, 7)
REQUEST, RESPONSE, UNKNOWN, REGISTER, UNREGISTER, CONFIRM, EVENT_UNKNOWN, EVENT = range(8)


def name(text):
    return bytes([len(text)]) + text.encode()


def value(v):
    v = v if isinstance(v, bytes) else str(v).encode()
    return struct.pack("!H", len(v)) + v


def encode(message):
    out = b""
    for key, v in message.items():
        if isinstance(v, dict):
            out += bytes([SECTION]) + name(key) + encode(v) + bytes([END])
        elif isinstance(v, list):
            out += bytes([LIST]) + name(key) + b"".join(bytes([ITEM]) + value(i) for i in v) + bytes([LIST_END])
        else:
            out += bytes([VALUE]) + name(key) + value(v)
    return out


def decode(data):
    stack, items, at = [{}], None, 0
    key = ""
    while at < len(data):
        kind, at = data[at], at + 1
        if kind in (SECTION, VALUE, LIST):
            n = data[at]
            key, at = data[at + 1 : at + 1 + n].decode(), at + 1 + n
        if kind in (VALUE, ITEM):
            (n,) = struct.unpack_from("!H", data, at)
            v, at = data[at + 2 : at + 2 + n], at + 2 + n
        if kind == SECTION:
            stack[-1][key] = {}
            stack.append(stack[-1][key])
        elif kind == END:
            stack.pop()
        elif kind == VALUE:
            stack[-1][key] = v.decode(errors="replace")
        elif kind == LIST:
            items = stack[-1][key] = []
        elif kind == ITEM:
            items.append(v.decode(errors="replace"))
    return stack[0]


class Vici:
    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect(path)

    def send(self, data):
        self.s.sendall(struct.pack("!I", len(data)) + data)

    def take(self, n):
        out = b""
        while len(out) < n:
            part = self.s.recv(n - len(out))
            if not part:
                raise OSError("the daemon has ended the connection")
            out += part
        return out

    def receive(self):
        (n,) = struct.unpack("!I", self.take(4))
        return self.take(n)

    def call(self, command, message, event=None):
        events = []
        if event:
            self.send(bytes([REGISTER]) + name(event))
            assert self.receive()[0] == CONFIRM, event
        self.send(bytes([REQUEST]) + name(command) + encode(message))
        while True:
            got = self.receive()
            if got[0] != EVENT:
                break
            if got[2 : 2 + got[1]].decode() == event:
                events.append(decode(got[2 + got[1] :]))
        if event:
            self.send(bytes([UNREGISTER]) + name(event))
            self.receive()
        return (decode(got[1:]) if got[0] == RESPONSE else "unknown command"), events


# ---- what is compared -------------------------------------------------------

PSK = {"auth": "psk"}
CHILD = {"local_ts": ["10.77.0.0/16"], "remote_ts": ["10.2.0.0/16"], "esp_proposals": ["aes128-sha256"]}


def conn(**more):
    c = {"version": "2", "remote_addrs": ["10.77.2.99"], "local-1": dict(PSK, id="a.example"),
         "remote-1": dict(PSK, id="b.example"), "children": {"k": dict(CHILD)}}
    for key, v in more.items():
        if v is None:
            del c[key]
        else:
            c[key] = v
    return {"x": c}


def child(**more):
    return conn(children={"k": dict(CHILD, **more)})


# Command, message, event, and True where the whole answer is compared, not only whether it succeeds.
STEPS = [
    ("version", {}, None, True),
    ("stats", {}, None, True),
    ("list-sas", {}, "list-sa", True),
    ("list-sas", {"noblock": "yes"}, "list-sa", True),
    ("list-conns", {}, "list-conn", True),
    ("list-policies", {"trap": "yes", "pass": "yes", "drop": "yes"}, "list-policy", True),
    ("list-certs", {}, "list-cert", True),
    ("list-authorities", {}, "list-authority", True),
    ("get-conns", {}, None, True),
    ("get-keys", {}, None, True),
    ("get-shared", {}, None, True),
    ("get-authorities", {}, None, True),

    ("get-counters", {}, None, True),
    ("get-counters", {"name": "t"}, None, True),
    ("get-counters", {"all": "yes"}, None, True),
    ("get-counters", {"name": "nobody"}, None, True),
    ("reset-counters", {"name": "nobody"}, None, True),
    ("reset-counters", {"name": "t"}, None, True),
    ("reset-counters", {}, None, True),
    ("load-conn", conn(), None, True),
    ("list-conns", {"ike": "x"}, "list-conn", True),
    ("load-conn", conn(pull="yes", aggressive="no", dpd_timeout="10s", keyingtries="3"), None, True),
    ("load-conn", conn(colour="red"), None, True),
    ("load-conn", conn(version=["2"]), None, True),
    ("load-conn", conn(proposals=[""]), None, True),
    ("load-conn", conn(proposals=["aes128-nonsense"]), None, True),
    ("load-conn", conn(unique="sometimes"), None, True),
    ("load-conn", conn(rekey_time="4x"), None, True),
    ("load-conn", conn(remote_addrs="10.77.2.99"), None, True),
    ("load-conn", child(mode="tunel"), None, True),
    ("load-conn", child(replay_window="100000"), None, True),
    ("load-conn", child(hw_offload="auto", copy_df="no", copy_dscp="yes", priority="100"), None, True),
    ("load-conn", child(mode="pass"), None, True),
    ("list-conns", {"ike": "x"}, "list-conn", True),
    ("load-conn", child(start_action="trap", priority="7"), None, True),
    ("list-conns", {"ike": "x"}, "list-conn", True),
    ("list-policies", {"trap": "yes", "ike": "x"}, "list-policy", True),
    ("uninstall", {"child": "k", "ike": "x"}, None, True),
    ("uninstall", {"child": "k", "ike": "x"}, None, True),
    ("list-policies", {"trap": "yes", "ike": "x"}, "list-policy", True),
    ("install", {"child": "k", "ike": "x"}, None, True),
    ("list-policies", {"trap": "yes", "ike": "x"}, "list-policy", True),
    ("install", {"child": "nobody"}, None, True),
    ("uninstall", {"child": "nobody"}, None, True),
    ("install", {}, None, True),
    ("unload-conn", {"name": "x"}, None, True),
    ("unload-conn", {"name": "x"}, None, True),
    ("unload-conn", {}, None, True),
    ("load-shared", {"id": "s", "type": "IKE", "data": "x", "owners": ["a"]}, None, True),
    ("load-shared", {"id": "n", "type": "NTLM", "data": "x"}, None, True),
    ("load-shared", {"id": "t", "type": "TELEPATHY", "data": "x"}, None, True),
    ("load-shared", {"type": "IKE"}, None, True),
    ("unload-shared", {"id": "s"}, None, True),
    ("unload-shared", {}, None, True),
    ("load-key", {"type": "quantum", "data": "x"}, None, True),
    ("load-key", {"data": "x"}, None, True),
    ("load-key", {"type": "any"}, None, True),
    ("unload-key", {"id": "00"}, None, True),
    ("load-cert", {"type": "X509", "flag": "NONE", "data": "x"}, None, True),
    ("load-cert", {"type": "PAPER", "flag": "NONE", "data": "x"}, None, True),
    ("load-cert", {"flag": "NONE", "data": "x"}, None, True),
    ("flush-certs", {}, None, True),
    ("flush-certs", {"type": "X509_CRL"}, None, True),
    ("flush-certs", {"type": "PAPER"}, None, True),
    ("load-pool", {"p": {"addrs": "10.9.0.0/24", "dns": ["10.9.0.1", "fd00::1"], "nbns": ["10.9.0.2"],
                         "dhcp": ["10.9.0.3"], "netmask": ["255.255.255.0"], "server": ["10.9.0.4"],
                         "subnet": ["10.9.0.0/16"], "split_include": ["10.9.0.0/16"],
                         "split_exclude": ["10.8.0.0/16"], "25": ["corp.example"]}}, None, True),
    ("get-pools", {"name": "p"}, None, True),
    ("load-pool", {"r": {"addrs": "10.7.0.10-10.7.0.19"}}, None, True),
    ("get-pools", {"name": "r"}, None, True),
    ("load-pool", {"o": {"addrs": "10.6.0.100/24"}}, None, True),
    ("get-pools", {"name": "o"}, None, True),
    ("load-pool", {"q": {"dns": ["10.9.0.1"]}}, None, True),
    ("load-pool", {"q": {"addrs": "10.5.0.0/24", "colour": ["red"]}}, None, True),
    ("load-pool", {"q": {"addrs": "10.5.0.0/24", "dns": ["x"]}}, None, True),
    ("load-pool", {"q": {"addrs": ["10.5.0.0/24"]}}, None, True),
    ("load-pool", {"q": {"addrs": "10.5.0.0/24", "dns": "10.9.0.1"}}, None, True),
    ("unload-pool", {"name": "p"}, None, True),
    ("unload-pool", {"name": "r"}, None, True),
    ("unload-pool", {"name": "o"}, None, True),
    ("unload-pool", {"name": "nobody"}, None, True),
    ("unload-pool", {}, None, True),
    ("load-authority", {"a": {"cacert": "x"}}, None, True),
    ("unload-authority", {"name": "a"}, None, True),
    ("rekey", {"child": "nobody"}, None, True),
    ("rekey", {}, None, True),
    ("redirect", {"ike": "nobody"}, None, True),
    ("terminate", {"child": "nobody", "timeout": "1000"}, None, True),
    ("terminate", {}, None, True),
    ("initiate", {"child": "nobody", "timeout": "1000"}, None, True),
    ("initiate", {}, None, True),
    ("load-conn", conn(), None, True),
    ("initiate", {"child": "k", "timeout": "-1"}, None, True),
    ("list-sas", {"ike": "x"}, "list-sa", True),
    ("terminate", {"ike": "x", "force": "yes", "timeout": "-1"}, None, True),
    ("unload-conn", {"name": "x"}, None, True),
    ("rekey", {"child": "c"}, None, True),
    ("list-sas", {"child": "c"}, "list-sa", True),
    ("no-such-command", {}, None, True),
]

# What differs, and why that is right: PATH -> reason.  A path ends where the difference begins.
KNOWN = {
    "stats.plugins": "names of what is loaded",
    "stats.traffic": "ours",
    "stats.errors": "ours",
    "stats.questions": "ours",
    "stats.limits": "ours",
    "stats.offloads": "ours",
    "stats.lifetime": "ours",
    "stats.kernel": "ours",
    "stats.revocation": "ours",
    "stats.mem": "of charon's own allocator",
    "list-sa.initiator": "of the one that began it",
    "list-sa.local-vips": "of the one that asked for them",
    "list-sa.remote-vips": "of the one that gave them",
    "list-sa.nat-local": "which side is behind the NAT",
    "list-sa.nat-remote": "which side is behind the NAT",
    "list-sa.nat-fake": "which side makes believe",
    "list-sa.nat-any": "which side makes believe",
    "list-sa.encap": "of the child",
    "list-sa.tasks-": "what is under way just then",
    "list-sa.child-sas.use-": "when the last packet passed",
    "list-sa.child-sas.drops-": "ours",
    "list-sa.child-sas.dh-group": "after a rekey of one's own",
    "list-sa.rekey-time": "charon keeps no lifetimes of an SA about to be rekeyed",
    "list-conn.children.start_action": "ours",
}


def shape(v, path, out):
    """Every path with its type; names that are the configuration's do not count."""
    if isinstance(v, dict):
        out[path] = "section"
        for key, below in v.items():
            shape(below, f"{path}.{key}", out)
    else:
        out[path] = "list" if isinstance(v, list) else "value"


def plain(step, answer, events):
    out = {}
    if isinstance(answer, str):
        return {answer: "answer"}
    for key, v in answer.items():
        if key == "success":
            out[f"{step[0]}.success={v}"] = "value"
        elif step[0] == "get-algorithms":
            out[f"{step[0]}.{key}"] = "section"
        else:
            shape(v, f"{step[0]}.{key}", out)
    for e in events:
        for key, v in e.items():
            if not isinstance(v, dict):
                out[f"{step[2]}.{key}"] = "value"
                continue
            for below, w in v.items():
                if below in ("child-sas", "children"):
                    out[f"{step[2]}.{below}"] = "section"
                    for c in w.values():
                        for k, x in c.items():
                            shape(x, f"{step[2]}.{below}.{k}", out)
                else:
                    shape(w, f"{step[2]}.{below}", out)
    return out


def main():
    ours, theirs = Vici(sys.argv[1]), Vici(sys.argv[2])
    faults = same = 0
    for step in STEPS:
        mine, their = ours.call(*step[:3]), theirs.call(*step[:3])
        a, b = plain(step, *mine), plain(step, *their)
        differing = [p for p in sorted(set(a) | set(b)) if a.get(p) != b.get(p)]
        differing = [p for p in differing if not any(p.startswith(k) for k in KNOWN)]
        same += not differing
        for p in differing:
            faults += 1
            print(f"{step[0]} {step[1]}: {p}: culvertd {a.get(p, 'nothing')}, charon {b.get(p, 'nothing')}"
                  f" (culvertd: {errmsg(mine)}; charon: {errmsg(their)})")
    print(f"{len(STEPS)} operations, {same} with the same answer, {faults} differences")
    sys.exit(1 if faults else 0)


def errmsg(got):
    return got[0].get("errmsg", "no error") if isinstance(got[0], dict) else got[0]


main()
