#!/bin/bash
# What a change must look like before anything is run: the walls of the house (house.py), format,
# both compilers' warnings over everything, gcc's analyzer on the portable floors, cppcheck, and
# who may add to a pointer.  About half a minute on two cores.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 1
JOBS=${JOBS:-$(nproc)}
bad=0
say() { echo "lint: $*"; bad=1; }

# files FOLDER...: the C files in and below them.
files() { find "$@" -name '*.c' | sort; }
# rooms PARTS: the folders of the rooms of those parts.
rooms() { awk -F' *[|] *' -v parts="$1" '/^[a-z]/ && index(parts, $2) { print "src/" $1 }' src/rooms.txt; }
# each N COMMAND...: runs it on N of the files of stdin at a time, on every core.
each() { xargs -r -P "$JOBS" -n "$@"; }

python3 tests/house.py || bad=1
bash tests/house_test.sh || bad=1
find src include sim tests bench examples firmware -name '*.[ch]' | each 16 clang-format --dry-run -Werror 2>&1 |
    grep -m 10 error && say "run make fmt"

floors=$(rooms "core")
walls=$(rooms "port host tool")
C17="-std=c17 -pedantic -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror -Iinclude -Isrc -I."
HOST="$C17 -Itests -D_GNU_SOURCE -DTEST_SHARED=\"\" -DTEST_SOURCE=\"\" $(pkg-config --cflags libcrypto libevent_core libpcap libpq)"
{ files $floors; } | each 1 gcc $C17 -O1 -fanalyzer -c -o /dev/null || say "gcc: portable floors"
{ files $floors; } | each 8 clang $C17 -fsyntax-only || say "clang: portable floors"
{ files sim; } | each 1 gcc $C17 -O1 -c -o /dev/null || say "gcc: sim"
{ files sim; } | each 8 clang $C17 -fsyntax-only || say "clang: sim"
{ files $walls tests bench examples | grep -vE '^tests/(fuzz|e2e|size_)'; } | each 1 gcc $HOST -O1 -c -o /dev/null || say "gcc: rooms of the host, tests"
{ files $walls tests bench examples | grep -vE '^tests/(e2e|size_)'; } | each 8 clang $HOST -fsyntax-only || say "clang: rooms of the host, tests"

cppcheck -j "$JOBS" --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 \
    -D_GNU_SOURCE -DOPENSSL_VERSION_MAJOR=3 -Iinclude -Isrc src || say cppcheck

# Octets are reached through base/span.h; the files that add to a pointer themselves are named in
# CONTRIBUTING.md, and no others may.
query='match expr(anyOf(
    binaryOperator(hasAnyOperatorName("+", "-", "+=", "-="), hasType(hasCanonicalType(pointerType(pointee(isAnyCharacter()))))),
    unaryOperator(hasAnyOperatorName("++", "--"), hasType(hasCanonicalType(pointerType(pointee(isAnyCharacter())))))),
    isExpansionInMainFile())'
may=$(sed -n '/^Only these files add to a pointer/,/^$/p' CONTRIBUTING.md | grep -oE '`[a-z/_0-9]+\.c`' | tr -d '`')
do_add=$(files $floors | grep -v ^src/base/ |
    each 8 sh -c 'clang-query -c "$0" "$@" -- -std=c17 -Iinclude -Isrc' "$(echo "$query" | tr '\n' ' ')" |
    sed -nE 's|^.*/src/([a-z/_0-9]+\.c):[0-9:]+ note: "root" binds here.*|\1|p' | sort -u)
[ -n "$do_add" ] || say "clang-query found nothing at all"
for file in $do_add; do echo "$may" | grep -qx "$file" || say "src/$file adds to a pointer: use base/span.h"; done
for file in $may; do echo "$do_add" | grep -qx "$file" || say "CONTRIBUTING.md: src/$file adds to no pointer"; done
exit $bad
