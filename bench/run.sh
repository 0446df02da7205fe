#!/bin/bash
# One Markdown table: what every algorithm costs in memory, beside the bare cipher.  Quote the
# ratios, not the nanoseconds; some 20 s.  The head of dataplane.c says what the columns are.
#   bench/run.sh BUILD_DIR
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
BUILD=${1:-build}
cc -std=gnu17 -O2 -Wall -Wextra -Iinclude -Isrc bench/dataplane.c "$BUILD/libculvert.a" -lcrypto -o "$BUILD/bench-dataplane"
exec "$BUILD/bench-dataplane"
