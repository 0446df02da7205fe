#!/bin/bash
# tests/house.py refuses what it must: a copy of the tree is broken in one way after the other.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.." || exit 1
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
bad=0

# refuses WHAT EXPECTED: after that change of a fresh copy, house.py says so.
refuses() {
    local what=$1 expected=$2 said
    rm -rf "$copy/t" && mkdir "$copy/t"
    cp -r src include sim bench examples "$copy/t" && mkdir "$copy/t/tests" && cp -r tests/unit "$copy/t/tests"
    (cd "$copy/t" && eval "$what") || { echo "house_test: cannot: $what"; bad=1; }
    said=$(python3 tests/house.py "$copy/t")
    if [ $? -ne 1 ] || ! echo "$said" | grep -qF "$expected"; then
        echo "house_test: not refused: $what (expected: $expected; said: ${said:-nothing})"
        bad=1
    fi
}

include() { printf '#include "%s"\n' "$1" >>"$2"; }
refuses 'include engine/engine.h src/wire/ip.c' 'wire may not include engine'
refuses 'include creds/inside.h src/config/config.c' 'creds/inside.h, which is not in the face of creds'
refuses 'include ipsec/plane.h sim/world.c' 'ipsec/plane.h, which is not in the face of ipsec'
refuses 'include daemon/daemon.h tests/unit/test_span.c' 'tests/unit may not include daemon'
refuses 'include base/span.h examples/manual_keys.c' 'examples may not include base'
refuses 'include attic/x.h src/wire/ip.c' 'which is in no room'
refuses 'echo "#include <stdio.h>" >>src/ident/id.c' 'the core has no operating system'
refuses 'echo "#include <unistd.h>" >>include/culvert/engine.h' 'public headers need no operating system'
refuses 'mkdir src/attic && touch src/attic/x.c' 'src/attic is no row'
refuses 'rm -r src/fleet' 'there is no room fleet'
refuses 'mv src/creds/creds.h src/creds/store.h' 'the face of creds has no creds.h'
refuses 'sed -i "s/^base .*//; s/^cli .*/&\nbase | core | | */" src/rooms.txt' 'crypto may include base, which is no room above it'
refuses 'sed -i "s/^\(linux *| host | base\)/\1 plane/" src/rooms.txt' 'linux may include plane, which is no room above it'
refuses 'cp src/base/pool.c src/fleet/' 'one name, several places: src/base/pool src/fleet/pool'
refuses 'rm src/kit/README.md' 'src/kit has no README.md'
refuses 'printf "int many(int a, int b, int c, int d, int e, int f, int g, int h)\n{\n    return a;\n}\n" >>src/kit/mem.c' \
    'many has 8 parameters'
refuses 'printf "int many(void)\n{\n" >>src/kit/mem.c; yes "    ;" | head -n 70 >>src/kit/mem.c; echo "}" >>src/kit/mem.c' \
    'many is longer than 60 lines'
exit $bad
