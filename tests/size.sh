#!/bin/bash
# Cross-compiles the core (engine, IKEv2, ESP; no crypto backend) for a Cortex-M3 and prints
# flash and RAM.  What is linked is what a PSK or raw-key initiator reaches; see size_main.c.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
CC=${CROSS_CC:-arm-none-eabi-gcc}
command -v "$CC" >/dev/null || { echo "no $CC (packages gcc-arm-none-eabi libnewlib-arm-none-eabi)"; exit 77; }
OUT=build-size
mkdir -p $OUT
FLAGS="-std=c17 -pedantic -Wall -Wextra -Os -mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections -Iinclude -Isrc"
OBJECTS=
for src in src/base/*.c src/crypto/*.c src/wire/*.c src/ipsec/*.c src/ike/*.c src/engine/*.c tests/size_main.c; do
    obj=$OUT/$(echo "$src" | tr / _).o
    $CC $FLAGS -c "$src" -o "$obj"
    OBJECTS="$OBJECTS $obj"
done
$CC $FLAGS -c tests/size_structs.c -o $OUT/structs.o
$CC $FLAGS -nostartfiles --specs=nano.specs --specs=nosys.specs -Wl,--gc-sections -Wl,-e,main \
    -Wl,-Map=$OUT/map $OBJECTS -o $OUT/core.elf 2>/dev/null
python3 tests/size_report.py $OUT/core.elf $OUT $OBJECTS
