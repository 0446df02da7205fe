#!/usr/bin/env python3
"""size_report.py ELF OBJECT...: flash of the linked core, by the folder its symbols come from."""
import re
import subprocess
import sys

elf, objects = sys.argv[1], sys.argv[2:]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


linked = {}
for line in run("arm-none-eabi-nm", "-S", "--defined-only", elf).splitlines():
    part = line.split()
    if len(part) == 4 and part[2] in "tTrRdD":
        linked.setdefault(part[3], []).append(int(part[1], 16))

total = {}
for name in objects:
    folder = re.search(r"src_(\w+?)_", name)
    if not folder:
        continue
    for line in run("arm-none-eabi-nm", "--defined-only", name).splitlines():
        kind, symbol = line.split()[-2:]
        if kind in "tTrRdD" and any(linked.get(symbol, [])):
            total[folder[1]] = total.get(folder[1], 0) + linked[symbol].pop()

text, data = map(int, run("arm-none-eabi-size", elf).splitlines()[1].split()[:2])
print(f"flash on a Cortex-M3, -Os, both roles: {sum(total.values())} octets; {text + data} with libc and literals")
print("  " + "  ".join(f"{folder} {n}" for folder, n in sorted(total.items(), key=lambda item: -item[1])))
