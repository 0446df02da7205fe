#!/bin/bash
# Markdown tables: what every algorithm costs in memory beside the bare cipher, and what a lookup
# costs in tables of a thousand and of a million; and how long a host is told of SAs that end
# together.  Quote the ratios, not the nanoseconds; some 20 s.  The heads of the sources say
# what the columns are.
#   bench/run.sh BUILD_DIR
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
BUILD=${1:-build}
"$BUILD/culvert" bench esp
for name in lookup ended first_message; do
    cc -std=gnu17 -O2 -flto=auto -Wall -Wextra -Iinclude -Isrc "bench/$name.c" "$BUILD/src/libculvert.a" -lcrypto -o "$BUILD/bench-$name"
    "$BUILD/bench-$name"
done
