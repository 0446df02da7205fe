#!/bin/bash
# The reference device on another board against culvertd: a certificate and a pinned key, a fixed address, no NAT and
# so ESP as an IP protocol of its own.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../interop/lib-charon.sh" # certificates
. "$(dirname "$0")/lib.sh"

network
ip -n "$GW" route add "$DEV_NET" via "$NAT_OUT_IP"
services
certificates ecdsa
# octets COMMAND...: its output as an initializer.
octets() { echo "{$("$@" | od -An -v -tu1 | tr -s ' \n' ',' | sed 's/^,//; s/,$//')}"; }
own_key() { openssl ec -in "$RUN/dev/private/own.pem" -outform DER 2>/dev/null | tail -c +8 | head -c 32; }
gateway_key() { openssl ec -in "$RUN/gw/private/own.pem" -pubout -outform DER 2>/dev/null | tail -c 64; }
gateway_conf "auth = pubkey
certs = own.pem" "auth = pubkey" dev.example >"$RUN/gw/swanctl.conf"
daemon gw
device_conf 'DEVICE_ADDRESS "10.77.1.2"' "DEVICE_ENCAP false" \
    "CULVERT_CERTIFICATE $(octets openssl x509 -in "$RUN/dev/x509/own.pem" -outform DER)" \
    "CULVERT_PRIVATE_KEY $(octets own_key)" "CULVERT_GATEWAY_KEY $(octets gateway_key)" |
    sed 's/sensor-17/dev.example/' >"$RUN/config.h"
life mps2-an385
logged gw "Child SA net established: AES_GCM_16-128, SPIs" || fail "the device's ESP was in UDP"
pass
