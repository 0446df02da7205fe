#!/bin/bash
# Cross-compiles the core (engine, IKEv2, ESP; no crypto backend) for a Cortex-M3 and prints
# flash and RAM.  What is linked is what a PSK or raw-key initiator reaches; see size_main.c.
# RAM is what cv_engine_size says on a 32-bit ARM, run under qemu-user.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
CC=${CROSS_CC:-arm-none-eabi-gcc}
command -v "$CC" >/dev/null || { echo "no $CC (packages gcc-arm-none-eabi libnewlib-arm-none-eabi)"; exit 77; }
OUT=build-size
mkdir -p $OUT
WARN="-std=c17 -pedantic -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla"
FLAGS="$WARN -Os -mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections -Iinclude -Isrc"
CORE=$(ls src/base/*.c src/crypto/*.c src/wire/*.c src/ipsec/*.c src/ike/*.c src/engine/*.c)
OBJECTS=
for src in $CORE tests/size_main.c; do
    obj=$OUT/$(echo "$src" | tr / _).o
    $CC $FLAGS -Werror -c "$src" -o "$obj"
    OBJECTS="$OBJECTS $obj"
done
$CC $FLAGS -nostartfiles --specs=nano.specs --specs=nosys.specs -Wl,--gc-sections -Wl,-e,main \
    $OBJECTS -o $OUT/core.elf 2>$OUT/link.log || { cat $OUT/link.log; exit 1; }
python3 tests/size_report.py $OUT/core.elf $OBJECTS
if command -v arm-linux-gnueabihf-gcc >/dev/null && command -v qemu-arm-static >/dev/null; then
    arm-linux-gnueabihf-gcc -std=gnu17 -Os -static -ffunction-sections -Wl,--gc-sections -Iinclude -Isrc \
        $CORE tests/size_ram.c -o $OUT/ram
    qemu-arm-static $OUT/ram
fi
