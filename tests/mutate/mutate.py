#!/usr/bin/python3
"""Changes one line of the core at a time and sees whether the quick tests notice.

    tests/mutate/mutate.py [-n COUNT] [-s SEED] [--skip COUNT] [--only ROOM] [--list]

A mutant turns a comparison or a bound, swaps two statements, drops one, or leaves out a wipe.  It is
made in a copy below build-mutate; the tree stays as it is.  A mutant that does not compile is not
counted, and another one takes its place.  A run may be cut into slices: --skip leaves out as many as
others have had; each is said on stderr when it is done.  What survives is printed with its line: either a test is
missing, or tests/mutate/equivalent.txt says why nobody could notice.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOME = os.path.join(ROOT, "build-mutate")
TREE = os.path.join(HOME, "tree")
BUILD = os.path.join(HOME, "build")
EQUIVALENT = os.path.join(ROOT, "tests", "mutate", "equivalent.txt")
COMPARISONS = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == "}
LOGIC = {" && ": " || ", " || ": " && "}
STATEMENT = re.compile(r"^ +(\(void\))?[a-z_][\w>.\[\]-]*( [|&^+-]?= |\(|\+\+;|--;).*;$")
DECLARATION = re.compile(r"^ +(const |struct |enum |static |unsigned |size_t |bool |void |u?int\w* )")


def core_files():
    rooms = []
    for line in open(os.path.join(ROOT, "src", "rooms.txt")):
        words = [w.strip() for w in line.split("|")]
        if len(words) > 2 and words[1] == "core":
            rooms.append(words[0])
    for room in rooms:
        for name in sorted(os.listdir(os.path.join(ROOT, "src", room))):
            if name.endswith(".c"):
                yield os.path.join("src", room, name)


def code_of(line):
    """The line without strings and comments, their columns kept."""
    blank = lambda m: " " * len(m.group(0))
    return re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'|/\*.*?\*/|/\*.*|//.*', blank, line)


def replaced(line, at, old, new):
    return line[:at] + new + line[at + len(old):]


def token_mutants(line, code, table, kind):
    for old, new in table.items():
        for m in re.finditer(re.escape(old), code):
            yield kind, [replaced(line, m.start(), old, new)]


def line_mutants(line, code):
    """Mutants of one line: (kind, the lines that take its place)."""
    if re.match(r"^ +\*", line) or line.lstrip().startswith("#"):
        return
    yield from token_mutants(line, code, COMPARISONS, "comparison")
    yield from token_mutants(line, code, LOGIC, "logic")
    if any(c in code for c in COMPARISONS):
        for m in re.finditer(r"(?<![\w.])(\d+)(?![\w.])", code):
            yield "bound", [replaced(line, m.start(), m.group(1), str(int(m.group(1)) + 1))]
    for m in re.finditer(r"if \(!(?=[a-z])", code):
        yield "negation", [replaced(line, m.start(), m.group(0), "if (")]
    if "wipe(" in code and STATEMENT.match(line):
        yield "wipe", []
    elif STATEMENT.match(line) and not DECLARATION.match(line):
        yield "drop", []


def swap_mutants(lines):
    for i in range(len(lines) - 1):
        a, b = lines[i], lines[i + 1]
        same = len(a) - len(a.lstrip()) == len(b) - len(b.lstrip())
        if same and a != b and all(STATEMENT.match(x) and not DECLARATION.match(x) for x in (a, b)):
            yield i, "order", 2, [b, a]


def mutants_of(path):
    """All mutants of a file: (path, line number from 0, kind, lines replaced, their replacement)."""
    lines = open(os.path.join(ROOT, path)).read().split("\n")
    comment = False
    for i, line in enumerate(lines):
        started, comment = comment, (comment or "/*" in line) and "*/" not in line
        if started or comment:
            continue
        for kind, new in line_mutants(line, code_of(line)):
            yield path, i, kind, 1, new
    for i, kind, n, new in swap_mutants(lines):
        yield path, i, kind, n, new


def choose(only, seed):
    """An endless-enough order in which each kind, and in it each room, has its turn."""
    chance = random.Random(seed)
    by_kind = {}
    for path in core_files():
        if only and path.split("/")[1] != only:
            continue
        for m in mutants_of(path):
            by_kind.setdefault(m[2], {}).setdefault(path.split("/")[1], []).append(m)
    for rooms in by_kind.values():
        for of_room in rooms.values():
            chance.shuffle(of_room)
    while by_kind:
        for kind in sorted(by_kind):
            rooms = by_kind[kind]
            weights = [len(rooms[r]) for r in sorted(rooms)]
            room = chance.choices(sorted(rooms), weights)[0]
            yield rooms[room].pop()
            if not rooms[room]:
                del rooms[room]
        by_kind = {k: r for k, r in by_kind.items() if r}


def copy_tree():
    files = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    shutil.rmtree(TREE, ignore_errors=True)
    for f in filter(None, files):
        to = os.path.join(TREE, f)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        if os.path.exists(os.path.join(ROOT, f)):
            shutil.copy2(os.path.join(ROOT, f), to)
    shared = os.path.join(os.path.dirname(ROOT), "shared")  # official vectors, where they lie
    if os.path.isdir(shared) and not os.path.lexists(os.path.join(HOME, "shared")):
        os.symlink(shared, os.path.join(HOME, "shared"))


def run(args, seconds, cwd=BUILD):
    try:
        return subprocess.run(args, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=seconds).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def build():
    return run(["cmake", "--build", ".", f"-j{os.cpu_count()}"], 900)


def passes():
    """The quick tests: unit, vector and host programs first, for they take no time."""
    jobs = f"-j{os.cpu_count()}"
    return (run(["ctest", jobs, "--timeout", "60", "--stop-on-failure", "-R", "^(unit|vectors)_"], 300) and
            run(["ctest", jobs, "--timeout", "240", "--stop-on-failure", "-E", "^(unit|vectors)_"], 600))


def name_of(m):
    path, i, kind, n, new = m
    old = open(os.path.join(ROOT, path)).read().split("\n")[i:i + n]
    return f"{path}:{i + 1}: {kind}: {' / '.join(x.strip() for x in old)} -> {' / '.join(x.strip() for x in new) or '(nothing)'}"


def excuses():
    """{"path: kind: text of the line": why nobody could notice}"""
    found = {}
    if os.path.exists(EQUIVALENT):
        for line in open(EQUIVALENT):
            if not line.startswith("#") and " # " in line:
                what, why = line.rstrip("\n").split(" # ", 1)
                found[what] = why
    return found


def try_mutant(m):
    """True: noticed; False: survived; None: does not compile."""
    path, i, _, n, new = m
    original = open(os.path.join(ROOT, path)).read()
    lines = original.split("\n")
    with open(os.path.join(TREE, path), "w") as f:
        f.write("\n".join(lines[:i] + new + lines[i + n:]))
    try:
        return None if not build() else not passes()
    finally:
        with open(os.path.join(TREE, path), "w") as f:
            f.write(original)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("-n", type=int, default=100)
    p.add_argument("-s", type=int, default=1)
    p.add_argument("--skip", type=int, default=0)
    p.add_argument("--only", help="one room")
    p.add_argument("--list", action="store_true", help="only say which mutants it would be")
    a = p.parse_args()
    if a.list:
        for m, _ in zip(choose(a.only, a.s), range(a.n)):
            print(name_of(m))
        return 0
    copy_tree()
    os.makedirs(BUILD, exist_ok=True)
    configured = run(["cmake", "-S", TREE, "-B", BUILD, "-DCULVERT_TESTS=ON", "-DCULVERT_LTO=OFF",
                      "-DCMAKE_BUILD_TYPE=Debug"], 120)
    if not configured or not build() or not passes():
        print("mutate: the tests do not pass without a mutant")
        return 2
    known, made, killed, equivalent, survivors, start = excuses(), 0, 0, 0, [], time.time()
    for m in choose(a.only, a.s):
        if made == a.n:
            break
        if a.skip > 0:
            a.skip -= 1
            continue
        noticed = try_mutant(m)
        if noticed is None:
            continue
        made += 1
        killed += noticed
        print(f"{made}: {'killed' if noticed else 'survived'}: {name_of(m)}, {time.time() - start:.0f} s",
              file=sys.stderr, flush=True)
        if not noticed:
            name = name_of(m)
            why = known.get(re.sub(r":\d+:", ":", name, 1))
            equivalent += why is not None
            survivors += [] if why else [name]
            print(f"{'equivalent' if why else 'SURVIVED'}: {name}{' # ' + why if why else ''}", flush=True)
    print(f"{made} mutants, {killed} killed, {equivalent} equivalent, {len(survivors)} survived, "
          f"{time.time() - start:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
