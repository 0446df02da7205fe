#!/bin/busybox sh
# The VM's first program: modules, addresses, an echo server for TCP, and charon.
# SPDX-License-Identifier: Apache-2.0
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
ln -s /run /var
# No VM outlives its test, however that ended.
(sleep 1800; poweroff -f) &
while read -r module; do insmod "$module"; done </modules.list

echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
ip() { /sbin/ip "$@"; }
ip link set lo up
ip link set eth0 up
ip addr add 10.79.1.2/24 dev eth0
ip addr add 10.79.0.2/24 dev eth0
ip addr add fd79::2/64 dev eth0 nodad
ip addr add 10.90.2.1/32 dev lo
ip addr add fd90:2::1/128 dev lo nodad
ip route add 10.90.1.1/32 via 10.79.0.1 src 10.90.2.1
ip route add fd90:1::1/128 via fd79::1 src fd90:2::1
nc -ll -p 7 -e cat &
nc -ll -p 8 -e /diagnose &
echo "vm: Linux $(uname -r), up $(cut -d' ' -f1 /proc/uptime) s"
while :; do
    /usr/sbin/charon-systemd
    echo "vm: charon ended with $?"
    sleep 1
done
