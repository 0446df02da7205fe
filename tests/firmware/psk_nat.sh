#!/bin/bash
# The reference device in QEMU against culvertd, the common case: an address by DHCP behind a NAT, a PSK, a virtual
# address, DNS, MQTT both ways and CoAP inside the tunnel, rekeys of both SAs, another address, the end.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/lib.sh"

network
nat_rules
services
gateway_conf "auth = psk" "auth = psk" >"$RUN/gw/swanctl.conf"
psk_secret >>"$RUN/gw/swanctl.conf"
daemon gw
device_conf 'DEVICE_ADDRESS ""' 'DEVICE_SECOND_ADDRESS "10.77.1.3"' "CULVERT_PSK $PSK_OCTETS" >"$RUN/config.h"
life lm3s6965evb
pass
