#!/usr/bin/env python3
"""What is documented exists, and what exists is documented: commands, options, configuration keys, VICI
commands; in docs/, in the manual pages made from it, in --help and in the shells' completion.
    tests/docs.py BUILD_DIR
SPDX-License-Identifier: Apache-2.0"""
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(sys.argv[1])
faults = []


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


def say(*words):
    return subprocess.run(words, capture_output=True, text=True).stdout


def same(what, documented, there):
    for word in sorted(there - documented):
        faults.append(f"{what}: '{word}' is not documented")
    for word in sorted(documented - there):
        faults.append(f"{what}: '{word}' is documented and not there")


def options(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def first_cells(text):
    return [m.group(1) for m in re.finditer(r"^\| (.*?)(?<!\\) \|", text, re.M)]


# ---- the command ----
culvert, culvertd = os.path.join(BUILD, "culvert"), os.path.join(BUILD, "culvertd")
cli = read("docs/cli.md")
commands = set(re.findall(r"^  ([a-z]+) ", say(culvert, "help"), re.M))
same("culvert", set(re.findall(r"^\| `culvert ([a-z]+)", cli, re.M)), commands)
taken = options(say(culvert, "help"))
table = {o: row.group(2) for row in re.finditer(r"^\| (`-.*?) \| (.*?) \|", cli, re.M) for o in options(row.group(1))}
for command in sorted(commands - {"help"}):
    its = options(say(culvert, command, "--help"))
    taken |= its
    for option in sorted(its - set(table)):
        faults.append(f"culvert {command} {option}: not documented")
    for option, who in table.items():
        said = who == "all" or command in who.split(", ") or (who.startswith("all but") and command not in who)
        if said != (option in its):
            faults.append(f"culvert {command} {option}: docs/cli.md says for '{who}'")
same("culvert", options(cli), taken)
same("culvertd", options(read("docs/culvertd.md")) & options(say(culvertd, "--help")) | set(
    re.findall(r"\[(--[a-z-]+)", read("docs/culvertd.md"))), options(say(culvertd, "--help")) - {"--help", "--version", "--config"})

fleetd = read("docs/fleetd.md")
same("culvert-fleetd", set(re.findall(r"\[(--[a-z-]+)", fleetd)),
     options(say(os.path.join(BUILD, "culvert-fleetd"), "--help")) - {"--help", "--version", "--config"})
same("fleet.conf", {w for cell in first_cells(fleetd.split("## Configuration")[1].split("\n## ")[0]) for w in re.findall(r"`([a-z_]+)`", cell)},
     set(re.findall(r'\{"([a-z_]+)",\s+take_', read("src/config/fleet_conf.c"))))

# ---- configuration ----
keys = set()
for path in glob.glob(os.path.join(ROOT, "src/config/conf_*.c")):
    with open(path) as f:
        keys |= set(re.findall(r'\{"([a-z][a-z_0-9]*)",\s+(?:take_|conf_take_)', f.read()))
conf = read("docs/swanctl.md")
named = set()
for cell in first_cells(conf):
    named |= set(re.findall(r"`([a-z][a-z_0-9]*)`", cell))
for sentence in re.findall(r"(?:Accepted with their default only:|Not supported:)(.*?)(?:\.\s|\.$|;|\n\n)", conf, re.S):
    named |= set(re.findall(r"`([a-z][a-z_0-9]*)`", sentence))
for key in sorted(k for k in keys if f"`{k}`" not in conf):
    faults.append(f"configuration: '{key}' is not documented")
words = "".join(read(os.path.relpath(p, ROOT)) for p in glob.glob(os.path.join(ROOT, "src/config/*.c")))
for key in sorted(k for k in named if f'"{k}"' not in words and f'"{k}*"' not in words):
    faults.append(f"configuration: '{key}' is documented and not there")

# ---- VICI ----
vici = read("docs/vici.md")
there = set(re.findall(r'^    \{"([a-z-]+)",', read("src/vici/vici_commands.c"), re.M))
section = vici.split("## Commands")[1].split("\n## ")[0]
same("VICI", {c for cell in first_cells(section) for c in re.findall(r"`([a-z-]+)`", cell)}, there)

# ---- manual pages ----
for page, doc in (("culvert.1", "cli"), ("culvertd.8", "culvertd"), ("culvert.conf.5", "swanctl"), ("culvert-packet.1", "packet"), ("culvert-fleetd.8", "fleetd")):
    with open(os.path.join(BUILD, "man", page)) as f:
        text = f.read().replace("\\-", "-").replace("\\fB", "").replace("\\fP", "")
    same(page, options(text), options(read(f"docs/{doc}.md")))
    for cell in first_cells(read(f"docs/{doc}.md")):
        plain = re.sub(r"`|\*\*|\\(?=\|)|\[([^]]*)\]\([^)]*\)", r"\1", cell)
        if plain and f".It {plain}" not in text and plain not in text and not plain.startswith("-"):
            if plain not in ("command", "key", "section", "kind", "option", "What", "word", "field", "exit status", "Limit"):
                faults.append(f"{page}: '{plain}' is missing")

for fault in faults:
    print(fault)
print(f"{len(commands)} commands, {len(taken)} options, {len(keys)} keys, {len(there)} VICI commands, {len(faults)} faults")
sys.exit(1 if faults else 0)
