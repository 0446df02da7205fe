#!/bin/bash
# Cross-compiles the core (engine, IKEv2, ESP, AH; no crypto backend) for a Cortex-M3 and prints
# flash and RAM.  What is linked is what a PSK or raw-key device reaches (size_main.c), and what
# the data plane reaches without IKE (size_plane.c), with AH and without.  RAM is what
# cv_engine_size says, here and on a 32-bit ARM, run under qemu-user.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
CC=${CROSS_CC:-arm-none-eabi-gcc}
command -v "$CC" >/dev/null || { echo "no $CC (packages gcc-arm-none-eabi libnewlib-arm-none-eabi)"; exit 77; }
OUT=build-size
mkdir -p $OUT
WARN="-std=c17 -pedantic -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla"
FLAGS="$WARN -Os -mcpu=cortex-m3 -mthumb -ffunction-sections -fdata-sections -Iinclude -Isrc"
# The rooms of libculvert's core; the plane alone is those up to ipsec.
ROOMS=$(awk -F'|' '$2 ~ /core/ { print $1 }' src/rooms.txt)
sources() { for room in $1; do ls "src/$room"/*.c; done; }
CORE=$(sources "$ROOMS")
PLANE=$(sources "$(echo $ROOMS | sed 's/ipsec .*/ipsec/')")

# size NAME SOURCES MAIN OPTION...: compiles, links and prints one line.
size() {
    local name=$1 sources=$2 main=$3 src object objects=
    shift 3
    for src in $sources $main; do
        object=$OUT/$(echo "$src" | tr / _).o
        $CC $FLAGS "$@" -Werror -c "$src" -o "$object"
        objects="$objects $object"
    done
    $CC $FLAGS -nostartfiles --specs=nano.specs --specs=nosys.specs -Wl,--gc-sections -Wl,-e,main \
        $objects -o $OUT/core.elf 2>$OUT/link.log || { cat $OUT/link.log; exit 1; }
    python3 tests/size_report.py "$name" $OUT/core.elf $objects
}

echo "flash on a Cortex-M3, -Os, without crypto and libc:"
size "ipsec, ESP alone" "$PLANE" tests/size_plane.c -DIPSEC_AH=0 -DIPSEC_NESTED=0
size "ipsec, ESP+AH" "$PLANE" tests/size_plane.c -DIPSEC_NESTED=0
size "ipsec, ESP+AH, nested" "$PLANE" tests/size_plane.c
size "the engine, both roles" "$CORE" tests/size_main.c
size "no AH, policies, nesting" "$CORE" tests/size_main.c -DIPSEC_AH=0 -DIPSEC_POLICIES=0 -DIPSEC_NESTED=0
echo "RAM here:"
cc -std=gnu17 -Os -ffunction-sections -Wl,--gc-sections -Iinclude -Isrc $CORE tests/size_ram.c -o $OUT/ram-host
$OUT/ram-host
if command -v arm-linux-gnueabihf-gcc >/dev/null && command -v qemu-arm-static >/dev/null; then
    echo "RAM on a 32-bit ARM:"
    arm-linux-gnueabihf-gcc -std=gnu17 -Os -static -ffunction-sections -Wl,--gc-sections -Iinclude -Isrc \
        $CORE tests/size_ram.c -o $OUT/ram
    qemu-arm-static $OUT/ram
fi
