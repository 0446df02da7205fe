#!/usr/bin/env python3
"""size_report.py NAME ELF OBJECT...: flash of what is linked, by the folder its symbols come from."""
import re
import subprocess
import sys

name, elf, objects = sys.argv[1], sys.argv[2], sys.argv[3:]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


linked = {}
for line in run("arm-none-eabi-nm", "-S", "--defined-only", elf).splitlines():
    part = line.split()
    if len(part) == 4 and part[2] in "tTrRdD":
        linked.setdefault(part[3], []).append(int(part[1], 16))

total = {}
for path in objects:
    folder = re.search(r"src_(\w+?)_", path)
    if not folder:
        continue
    for line in run("arm-none-eabi-nm", "--defined-only", path).splitlines():
        kind, symbol = line.split()[-2:]
        if kind in "tTrRdD" and any(linked.get(symbol, [])):
            total[folder[1]] = total.get(folder[1], 0) + linked[symbol].pop()

parts = "  ".join(f"{folder} {n}" for folder, n in sorted(total.items(), key=lambda item: -item[1]))
print(f"  {name + ':':24} {sum(total.values()):6} octets  ({parts})")
