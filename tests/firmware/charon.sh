#!/bin/bash
# The reference device in QEMU against strongSwan's charon: PSK, virtual address, DNS and MQTT inside the tunnel,
# rekeys of both SAs, the end.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../interop/lib-charon.sh"
. "$(dirname "$0")/lib.sh"

network
nat_rules
services
gateway_conf "auth = psk" "auth = psk" >"$RUN/gw/swanctl.conf"
psk_secret >>"$RUN/gw/swanctl.conf"
charon gw
device_conf 'DEVICE_ADDRESS "10.77.1.2"' 'DEVICE_SECOND_ADDRESS "10.77.1.3"' "CULVERT_PSK $PSK_OCTETS" >"$RUN/config.h"
life lm3s6965evb
pass
