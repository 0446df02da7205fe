# Debian's kernel in QEMU, with charon inside, as a peer.  Sourced after ../e2e/lib.sh.
# SPDX-License-Identifier: Apache-2.0
#
# The VM has a tap device to the namespace $DEV, where culvertd runs.  A pair of addresses of
# its own carries the control: charon listens for VICI on TCP, so that swanctl on this side
# loads, initiates and lists on both ends.  Kernel and modules come from Debian's package,
# unpacked beside the build; everything else in the VM is copied from this host.
#
#   host: control 10.79.1.1, outer 10.79.0.1 and fd79::1, inner 10.90.1.1 and fd90:1::1
#   VM:   the same with 2 where the last 1 differs: 10.79.1.2, fd79::2, 10.90.2.1, fd90:2::1
#   far:  outer 10.77.9.2, which the host turns into 10.79.0.3, inner as the host's

VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VM_CACHE=$ROOT/build/vm
FAR_IP=10.77.9.2 FAR_NAT_IP=10.77.9.1 FAR_SEEN_IP=10.79.0.3
VM_CONTROL=10.79.1.2 VM_URI=tcp://10.79.1.2:4502
CHARON=$(command -v charon-systemd || echo /usr/sbin/charon-systemd)
PLUGINS="random nonce aes sha1 sha2 hmac kdf curve25519 kernel-netlink socket-default vici"
# What a kernel with a modprobe would load on demand, each after what it tests itself with.
MODULES="virtio_pci virtio_net ctr sha512_generic jitterentropy_rng drbg seqiv echainiv authenc
    authencesn ghash_generic gcm ccm chacha_generic poly1305_generic chacha20poly1305
    des_generic md5 sha1_generic xcbc cmac xfrm_user esp4 ah4 esp6 ah6"

[ "$(uname -m)" = x86_64 ] || skip "runs on amd64 only"
for tool in qemu-system-x86_64 busybox cpio python3; do
    command -v "$tool" >/dev/null || skip "no $tool (packaging/deps.sh vm)"
done
[ -x "$CHARON" ] && [ -n "$SWANCTL" ] || skip "no charon-systemd or swanctl"

# kernel: sets KERNEL_DIR and KERNEL, the package's unpacked tree and its version.
kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -nE 's/.*Depends: (linux-image-[0-9].*)/\1/p' | head -n 1)
    [ -n "$package" ] || skip "apt knows no linux-image-cloud-amd64"
    KERNEL=${package#linux-image-} KERNEL_DIR=$VM_CACHE/$package
    [ -d "$KERNEL_DIR" ] && return
    mkdir -p "$VM_CACHE"
    (cd "$VM_CACHE" && apt-get -o APT::Sandbox::User=root download "$package") >"$RUN/kernel.log" 2>&1 ||
        skip "package $package cannot be downloaded (apt-get update?)"
    dpkg -x "$VM_CACHE/$package"_*.deb "$KERNEL_DIR.new" && depmod -b "$KERNEL_DIR.new" "$KERNEL" &&
        mv "$KERNEL_DIR.new" "$KERNEL_DIR" || fail "package $package cannot be unpacked"
    rm -f "$VM_CACHE/$package"_*.deb
}

copy_program() { # PATH...: with the libraries it needs
    local program library
    for program in "$@"; do
        install -D "$(readlink -f "$program")" "$ROOTFS$program"
        for library in $(ldd "$program" 2>/dev/null | grep -o '/[^ ]*'); do
            [ -e "$ROOTFS$library" ] || install -D "$(readlink -f "$library")" "$ROOTFS$library"
        done
    done
}

copy_modules() { # and the order to load them in
    local module file
    for module in $MODULES; do
        modprobe -d "$KERNEL_DIR" -S "$KERNEL" --show-depends "$module" 2>>"$RUN/kernel.log"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
        install -D -m 644 "$file" "$ROOTFS/modules/${file##*/}"
        echo "/modules/${file##*/}"
    done >"$ROOTFS/modules.list"
    [ -s "$ROOTFS/modules.list" ] || fail "no modules in $KERNEL_DIR"
}

initramfs() {
    ROOTFS=$RUN/rootfs
    mkdir -p "$ROOTFS"/{bin,proc,sys,dev,tmp,run,etc}
    install "$(command -v busybox)" "$ROOTFS/bin/busybox"
    mkdir -p "$RUN/vm" "$ROOTFS/modules"
    copy_program "$CHARON" /sbin/ip
    local plugin
    for plugin in $PLUGINS; do copy_program "/usr/lib/ipsec/plugins/libstrongswan-$plugin.so"; done
    copy_modules
    install -m 755 "$VM_DIR/init.sh" "$ROOTFS/init"
    install -m 755 "$VM_DIR/diagnose.sh" "$ROOTFS/diagnose"
    sed -e "s/@PLUGINS@/$PLUGINS/" -e "s,@URI@,$VM_URI," "$VM_DIR/strongswan.conf" >"$ROOTFS/etc/strongswan.conf"
    (cd "$ROOTFS" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$RUN/initrd.gz"
    rm -rf "$ROOTFS"
}

host_network() {
    namespace "$DEV"
    inns "$DEV" sysctl -qw net.ipv6.conf.all.disable_ipv6=0 || skip "no IPv6"
    ip -n "$DEV" tuntap add tap0 mode tap || fail "no tap device"
    ip -n "$DEV" link set tap0 up
    ip -n "$DEV" addr add 10.79.1.1/24 dev tap0
    ip -n "$DEV" addr add 10.79.0.1/24 dev tap0
    ip -n "$DEV" addr add fd79::1/64 dev tap0 nodad
    ip -n "$DEV" addr add 10.90.1.1/32 dev lo
    ip -n "$DEV" addr add fd90:1::1/128 dev lo nodad
}

# A host behind a NAT, which is $DEV.
far_network() {
    namespace "$P-far"
    veth "$P-far" wan "$FAR_IP" "$DEV" far "$FAR_NAT_IP"
    ip -n "$DEV" addr add "$FAR_SEEN_IP/24" dev tap0
    ip -n "$P-far" route add default via "$FAR_NAT_IP"
    ip -n "$P-far" addr add 10.90.1.1/32 dev lo
    inns "$P-far" sysctl -qw net.ipv6.conf.all.disable_ipv6=0
    ip -n "$P-far" addr add fd90:1::1/128 dev lo nodad
    inns "$DEV" nft -f - <<N || skip "no nftables NAT"
table ip nat {
    chain outward { type nat hook postrouting priority 100; ip saddr $FAR_IP snat to $FAR_SEEN_IP; }
}
N
}

# boot_vm: returns when charon in it answers.  The VM ends by itself should nobody end it.
boot_vm() {
    spawn qemu "$DEV" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 512 -nodefaults \
        -display none -no-reboot -serial "file:$RUN/console.log" \
        -netdev tap,id=net,ifname=tap0,script=no,downscript=no -device virtio-net-pci,netdev=net \
        -kernel "$KERNEL_DIR/boot/vmlinuz-$KERNEL" -initrd "$RUN/initrd.gz" \
        -append "console=ttyS0 quiet panic=-1 mitigations=off"
    until_true "${VM_BOOT_SECONDS:-240}" charon_answers_or_is_gone
    charon_answers || fail "the VM does not come up"
}

charonctl() {
    inns "$DEV" env STRONGSWAN_CONF="$RUN/vm/strongswan.conf" SWANCTL_DIR="$RUN/vm" \
        timeout 30 "$SWANCTL" "$@" --uri "$VM_URI" 2>>"$RUN/charonctl.log"
}
charon_answers() { ping_once "$DEV" "$VM_CONTROL" && charonctl --stats >/dev/null; }
charon_answers_or_is_gone() { charon_answers || ! alive qemu; }

diagnose() { inns "$DEV" timeout 5 busybox nc "$VM_CONTROL" 8 </dev/null; }
