#!/bin/bash
# Formatting, both compilers' warnings, cppcheck, gcc's analyzer on the portable floors, and
# the layering of ARCHITECTURE.md: a folder includes only folders above it.
# SPDX-License-Identifier: Apache-2.0
set -u
cd "$(dirname "$0")/.."
bad=0
say() { echo "lint: $*"; bad=1; }

out=$(clang-format --dry-run -Werror $(git ls-files '*.c' '*.h') 2>&1) || { echo "$out" | grep -E 'error' | head -n 10; say "run make fmt"; }

floor=" base crypto wire ipsec ike engine ports linux daemon cli "
above() { # FOLDER: those it may include
    local f allowed=
    for f in $floor; do allowed="$allowed $f"; [ "$f" = "$1" ] && break; done
    echo "$allowed"
}
for file in $(git ls-files 'src/*.c' 'src/*.h'); do
    folder=$(echo "$file" | cut -d/ -f2)
    for used in $(sed -nE 's|^#include "([a-z]+)/.*|\1|p' "$file" | sort -u); do
        case " $(above "$folder") " in *" $used "*) ;; *) say "$file includes $used/, a floor below it" ;; esac
    done
done

flags="-std=c17 -pedantic -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror -Iinclude -Isrc -I."
for file in $(git ls-files 'src/base/*.c' 'src/crypto/*.c' 'src/wire/*.c' 'src/ipsec/*.c' 'src/ike/*.c' 'src/engine/*.c'); do
    for cc in gcc clang; do
        $cc $flags -O1 -c "$file" -o /dev/null || say "$cc: $file"
    done
done
[ "${1:-}" = quick ] && exit $bad
for file in $(git ls-files 'src/base/*.c' 'src/wire/*.c' 'src/ipsec/*.c' 'src/ike/*.c' 'src/engine/*.c'); do
    gcc $flags -fanalyzer -O1 -c "$file" -o /dev/null || say "analyzer: $file"
done
cppcheck --quiet --std=c11 --enable=warning,portability --inline-suppr --error-exitcode=1 -Iinclude -Isrc src/base src/crypto src/wire src/ipsec src/ike src/engine || say cppcheck
exit $bad
