#!/bin/bash
# Runs the unit and vector tests under qemu-user on a big-endian target (s390x) and a 32-bit one
# (armhf).  OpenSSL, cmocka and jansson for them are Debian's packages, unpacked beside the
# build; the system's own list of architectures stays as it is.
#   tests/cross.sh [s390x|armhf]
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
LOG=${LOG:-/dev/stderr}

sysroot() { # ARCH: fills build-cross-ARCH/sysroot
    local arch=$1 dir=$PWD/build-cross-$1 deb
    [ -e "$dir/sysroot/.done-2" ] && return
    mkdir -p "$dir"/apt/{lists/partial,archives/partial} "$dir/sysroot"
    : >"$dir/apt/status"
    (
        cd "$dir/apt/archives"
        options=(-o "APT::Architecture=$arch" -o "APT::Architectures::=$arch" -o "Dir::State=$dir/apt"
            -o "Dir::State::lists=$dir/apt/lists" -o "Dir::State::status=$dir/apt/status"
            -o "Dir::Cache=$dir/apt" -o "Acquire::Languages=none" -o "APT::Sandbox::User=root")
        apt-get "${options[@]}" update
        apt-get "${options[@]}" download "libssl3:$arch" "libssl-dev:$arch" "libcmocka0:$arch" "libcmocka-dev:$arch" \
            "libjansson4:$arch" "libjansson-dev:$arch"
    ) >"$dir/apt.log" 2>&1 || {
        tail -n 5 "$dir/apt.log"
        echo "skipped: no packages for $arch here"
        exit 77
    }
    for deb in "$dir"/apt/archives/*.deb; do dpkg -x "$deb" "$dir/sysroot"; done
    touch "$dir/sysroot/.done-2"
}

run() { # ARCH TRIPLET QEMU
    local arch=$1 triplet=$2 qemu=$3 dir=$PWD/build-cross-$1
    command -v "$triplet-gcc" >/dev/null || { echo "skipped: no $triplet-gcc"; exit 77; }
    command -v "$qemu" >/dev/null || { echo "skipped: no $qemu"; exit 77; }
    sysroot "$arch"
    local root=$dir/sysroot
    cat >"$dir/toolchain.cmake" <<C
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR $arch)
set(CMAKE_C_COMPILER $triplet-gcc)
set(CMAKE_C_FLAGS_INIT "-D_FILE_OFFSET_BITS=64 -isystem $root/usr/include -isystem $root/usr/include/$triplet")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-L$root/usr/lib/$triplet -Wl,-rpath-link,$root/usr/lib/$triplet")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-L$root/usr/lib/$triplet")
set(OPENSSL_INCLUDE_DIR $root/usr/include)
set(OPENSSL_CRYPTO_LIBRARY $root/usr/lib/$triplet/libcrypto.so)
set(OPENSSL_SSL_LIBRARY $root/usr/lib/$triplet/libssl.so)
set(CMOCKA $root/usr/lib/$triplet/libcmocka.so)
set(JANSSON $root/usr/lib/$triplet/libjansson.so)
set(CMAKE_CROSSCOMPILING_EMULATOR $qemu;-L;/usr/$triplet;-E;LD_LIBRARY_PATH=$root/usr/lib/$triplet)
C
    rm -f "$dir/CMakeCache.txt" # it would keep the flags of an older toolchain file
    cmake -S . -B "$dir" -DCMAKE_TOOLCHAIN_FILE="$dir/toolchain.cmake" -DCULVERT_DAEMON=OFF >"$dir/cmake.log" 2>&1 &&
        cmake --build "$dir" -j"${JOBS:-$(nproc)}" --target unit_tests sim_test_connect sim_test_connect_refused >"$dir/build.log" 2>&1 || {
        grep -E 'error|Error' "$dir/cmake.log" "$dir/build.log" | head -n 20
        return 1
    }
    (cd "$dir" && ctest --timeout 600 -j"${JOBS:-$(nproc)}" -R '^(unit_|vectors_|sim_test_connect)' --output-on-failure) >"$dir/test.log" 2>&1 || {
        grep -E 'FAILED|ERROR|Failed|\*\*\*' "$dir/test.log" | head -n 30
        return 1
    }
    echo "$arch: $(grep -E 'tests passed' "$dir/test.log")"
}

case "${1:-all}" in
    s390x) run s390x s390x-linux-gnu qemu-s390x-static ;;
    armhf) run armhf arm-linux-gnueabihf qemu-arm-static ;;
    all)
        run s390x s390x-linux-gnu qemu-s390x-static
        run armhf arm-linux-gnueabihf qemu-arm-static
        ;;
    *) sed -n '2,6p' "$0" >&2; exit 2 ;;
esac
