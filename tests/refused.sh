#!/bin/bash
# A handler that writes an SA does not compile.  Each case of tests/refused.c must be refused,
# and for the reason that it names; without any case the file compiles.
# Usage: refused.sh COMPILER ROOT
set -u
cc=$1 root=$2 failed=0

compile() {
    "$cc" -std=c17 -Wall -Wextra -Werror -fsyntax-only -I"$root/include" -I"$root/src" "$@" "$root/tests/refused.c" 2>&1
}

if ! out=$(compile); then
    echo "does not compile although it writes nothing:"
    echo "$out"
    exit 1
fi
cases=$(sed -n 's/^#if CASE == \([0-9]*\).*/\1/p' "$root/tests/refused.c")
[ -n "$cases" ] || { echo "no cases"; exit 1; }
for n in $cases; do
    if out=$(compile -DCASE="$n"); then
        echo "case $n compiles"
        failed=1
    elif ! grep -qE 'read-only|const-qualified|discards' <<<"$out"; then
        echo "case $n is refused for another reason:"
        echo "$out"
        failed=1
    fi
done
exit $failed
