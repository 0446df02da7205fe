#!/usr/bin/env python3
"""Reads ELF objects for size.sh: flash by folder of the linked core, sizes of its structs.

Struct sizes come from tests/size_structs.c, whose array lengths are the sizes."""
import re
import subprocess
import sys

elf, out, objects = sys.argv[1], sys.argv[2], sys.argv[3:]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


text, data = map(int, run("arm-none-eabi-size", elf).splitlines()[1].split()[:2])
folder = {}
for name in objects:
    defined = {
        line.split()[-1]
        for line in run("arm-none-eabi-nm", name).splitlines()
        if re.search(r" [tTrRdD] ", line)
    }
    folder[name] = defined

sizes = {}
for line in run("arm-none-eabi-nm", "-S", "--defined-only", elf).splitlines():
    part = line.split()
    if len(part) == 4 and part[2] in "tTrRdD":
        sizes.setdefault(part[3], []).append(int(part[1], 16))

total = {}
for name, defined in folder.items():
    match = re.search(r"src_(\w+?)_", name)
    if not match:
        continue
    total.setdefault(match[1], 0)
    for symbol in defined & sizes.keys():
        if sizes[symbol]:
            total[match[1]] += sizes[symbol].pop()

ours = sum(total.values())
print(f"flash, linked with gc-sections, -Os Cortex-M3: {ours} octets of ours, {text + data} with libc")
print("  " + "  ".join(f"{k} {v}" for k, v in sorted(total.items(), key=lambda kv: -kv[1])))

structs = {}
for line in run("arm-none-eabi-nm", "-S", f"{out}/structs.o").splitlines():
    part = line.split()
    if len(part) == 4 and part[3].startswith("sizeof_"):
        structs[part[3][7:]] = int(part[1], 16)
tunnel = structs["ike_sa"] + structs["child_sa"] + structs["ipsec_pair"]
print(f"RAM per tunnel: {tunnel} octets: " + ", ".join(f"{k} {structs[k]}" for k in ("ike_sa", "child_sa", "ipsec_pair")))
print(f"RAM during an exchange: {structs['ike_hs']} octets of scratch, and its message buffers")
