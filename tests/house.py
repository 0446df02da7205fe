#!/usr/bin/env python3
"""Holds the tree against src/rooms.txt: which room may include which, and through what headers; names; sizes.

    tests/house.py [ROOT]    prints what is wrong, a line each; exit 1 when anything is

It reads text and no more: the tree is formatted, so a definition begins in the first column.
SPDX-License-Identifier: Apache-2.0
"""
import collections
import os
import re
import sys

FREESTANDING = {"stdbool.h", "stddef.h", "stdint.h", "stdalign.h", "stdarg.h", "limits.h", "string.h"}
PARTS = ("core", "port", "host", "tool")
MAX_PARAMETERS, MAX_LINES = 7, 60
INCLUDE = re.compile(r'^#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
FUNCTION = re.compile(r"^(?!(?:struct|union|enum)\s+\w*\s*\{)[a-z][^;{}=#]*?\b(\w+)\(([^;{}]*)\)\n\{\n(.*?)^\}", re.M | re.S)

faults = []


def say(text):
    faults.append(text)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def files(top):
    """Every C file below top, sorted."""
    found = []
    for folder, _, names in os.walk(top):
        found += [os.path.join(folder, n) for n in names if n.endswith((".c", ".h"))]
    return sorted(found)


class Room:
    def __init__(self, name, part, allowed, face):
        self.name, self.part, self.allowed, self.face = name, part, allowed.split(), face.split()

    def shows(self, header):
        return "*" in self.face or header in self.face


def read_rooms():
    """The rows of rooms.txt; their order is that of the floors."""
    rooms = {}
    for line in read("src/rooms.txt").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        cells = [c.strip() for c in line.split("|")]
        if len(cells) != 4 or cells[1] not in PARTS:
            say(f"src/rooms.txt: not a row: {line}")
            continue
        room = Room(*cells)
        for used in room.allowed:
            if used not in rooms:
                say(f"src/rooms.txt: {room.name} may include {used}, which is no room above it")
            elif PARTS.index(rooms[used].part) > PARTS.index(room.part):
                say(f"src/rooms.txt: {room.name} is of the {room.part}, {used} is not")
        rooms[room.name] = room
    return rooms


def check_folders(rooms):
    folders = {n for n in os.listdir("src") if os.path.isdir("src/" + n)}
    for name in sorted(folders - set(rooms)):
        say(f"src/{name} is no row of src/rooms.txt")
    for room in rooms.values():
        if room.name not in folders or not files("src/" + room.name):
            say(f"src/rooms.txt: there is no room {room.name}")
            continue
        if not os.path.exists(f"src/{room.name}/README.md") and not any(
                os.path.exists(f"src/{room.name}/{n}/README.md") for n in os.listdir("src/" + room.name)):
            say(f"src/{room.name} has no README.md")
        for header in room.face:
            if header not in ("*", "-") and not os.path.exists(f"src/{room.name}/{header}"):
                say(f"src/rooms.txt: the face of {room.name} has no {header}")


def check_stems():
    """One noun, one place: x.c and x.h of one name lie in one folder, and nowhere else in src.  Ports
    are siblings: the same noun may be in each."""
    places = collections.defaultdict(set)
    for path in files("src"):
        stem = os.path.splitext(path)[0]
        if os.path.basename(stem) not in ("main", "inside"):
            places[os.path.basename(stem)].add(re.sub("^src/ports/[^/]+/", "src/ports/*/", stem))
    for name, stems in sorted(places.items()):
        if len(stems) > 1:
            say(f"one name, several places: {' '.join(sorted(stems))}")


def uses(path):
    """The headers that a file includes: (ours, the system's)."""
    found = INCLUDE.findall(read(path))
    return [a for a, b in found if a], [b for a, b in found if b]


def check_room_file(path, rooms, room):
    ours, system = uses(path)
    for used in ours:
        name, _, header = used.partition("/")
        if name not in rooms:
            say(f"{path} includes {used}, which is in no room")
        elif name == room.name:
            continue
        elif name not in room.allowed:
            say(f"{path} includes {used}: {room.name} may not include {name}")
        elif not rooms[name].shows(header):
            say(f"{path} includes {used}, which is not in the face of {name}")
    for used in system:
        if room.part == "core" and used not in FREESTANDING and not used.startswith("culvert/"):
            say(f"{path} includes <{used}>: the core has no operating system")


def check_includes(rooms):
    for room in rooms.values():
        for path in files("src/" + room.name):
            check_room_file(path, rooms, room)
    # The simulator is a host: faces, and of the portable rooms alone.  Tests may look inside.
    for top, parts, inside in (("sim", ("core", "port"), False), ("tests/unit", ("core", "port"), True),
                               ("tests/vectors", ("core", "port"), True), ("tests/host", PARTS, True),
                               ("tests/fuzz", PARTS, True), ("bench", ("core", "port", "host"), True), ("examples", (), False)):
        for path in files(top):
            for used in uses(path)[0]:
                name, _, header = used.partition("/")
                if name not in rooms:
                    continue
                if rooms[name].part not in parts:
                    say(f"{path} includes {used}: {top} may not include {name}")
                elif not inside and not rooms[name].shows(header):
                    say(f"{path} includes {used}, which is not in the face of {name}")
    for path in files("include"):
        for used in uses(path)[0]:
            say(f'{path} includes "{used}": public headers include <culvert/...> only')
        for used in uses(path)[1]:
            if used not in FREESTANDING and not used.startswith("culvert/"):
                say(f"{path} includes <{used}>: public headers need no operating system")


def parameters(text):
    """How many parameters a list of them has."""
    while re.search(r"\([^()]*\)", text):
        text = re.sub(r"\([^()]*\)", "", text)
    return 0 if text.strip() in ("", "void") else text.count(",") + 1


def check_functions():
    for path in files("src"):
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), read(path), flags=re.S)
        for name, params, body in FUNCTION.findall(text):
            if parameters(params) > MAX_PARAMETERS:
                say(f"{path}: {name} has {parameters(params)} parameters, more than {MAX_PARAMETERS}")
            if body.count("\n") + 2 + params.count("\n") > MAX_LINES:
                say(f"{path}: {name} is longer than {MAX_LINES} lines")


def main():
    if len(sys.argv) > 1:
        os.chdir(sys.argv[1])
    rooms = read_rooms()
    check_folders(rooms)
    check_stems()
    check_includes(rooms)
    check_functions()
    for fault in faults:
        print("lint:", fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
