#!/bin/bash
# Installs what a make target needs, from Debian's packages, and nothing when it is there.
#   packaging/deps.sh build|demo|check|vm|page|firmware
# SPDX-License-Identifier: Apache-2.0
set -eu

build="gcc make cmake pkg-config libc6-dev libssl-dev libevent-dev libpcap-dev libsqlite3-dev libcurl4-openssl-dev libqrencode-dev libpq-dev"
[ "$(dpkg --print-architecture)" != amd64 ] || build="$build libipsec-mb-dev"
demo="$build iproute2 iputils-ping procps nftables python3 mosquitto mosquitto-clients tcpdump"
page="libcmocka-dev libjansson-dev chromium nodejs curl openssl python3"
command -v npm >/dev/null || page="$page npm" # some packages of nodejs bring it
check="$demo $page clang clang-format clang-tools libclang-rt-14-dev cppcheck iputils-ping
    postgresql openssl strongswan-swanctl charon-systemd libcharon-extra-plugins libstrongswan-standard-plugins libstrongswan-extra-plugins
    libnss3-tools libldns3 libunbound8 libcurl3-nss libevent-pthreads-2.1-7 iperf3 curl python3 python3-scapy python3-cryptography tshark
    gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-user-static qemu-system-arm dpkg-dev libbearssl-dev
    gcc-arm-linux-gnueabihf libc6-dev-armhf-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross"
vm="$build iproute2 procps iputils-ping python3 strongswan-swanctl charon-systemd
    libstrongswan-extra-plugins qemu-system-x86 busybox-static cpio kmod"
firmware="make gcc-arm-none-eabi libnewlib-arm-none-eabi dpkg-dev"

case "${1:-}" in
    build) want=$build ;;
    demo) want=$demo ;;
    check) want=$check ;;
    vm) want=$vm ;;
    page) want="$build $page" ;;
    firmware) want=$firmware ;;
    *) sed -n '2,4p' "$0" >&2; exit 2 ;;
esac

missing=
for package in $want; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "error: these packages are missing and only root can install them:$missing" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Services that come with a package are for its tests here, not to be started.
policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$log" "$policy"' EXIT
fi
if ! { apt-get update && apt-get install -y -o DPkg::Lock::Timeout=300 --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "error: apt could not install:$missing" >&2
    exit 1
fi
