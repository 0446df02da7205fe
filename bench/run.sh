#!/bin/bash
# In-memory figures of the data plane; quote the ratios, not the nanoseconds.
#   bench/run.sh BUILD_DIR
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
BUILD=${1:-build}
cc -std=gnu17 -O2 -Iinclude -Isrc bench/dataplane.c "$BUILD/libculvert.a" -lcrypto -o "$BUILD/bench-dataplane"
exec "$BUILD/bench-dataplane"
