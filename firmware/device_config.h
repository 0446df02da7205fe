/* The settings this firmware is built with: those of the file that CONFIG named, or config.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_DEVICE_CONFIG_H
#define FIRMWARE_DEVICE_CONFIG_H

#ifndef CULVERT_DEVICE_NAME
#include "config.h"
#endif

#ifndef DEVICE_ADDRESS
#define DEVICE_ADDRESS "" /* by DHCP */
#define DEVICE_NETMASK ""
#define DEVICE_ROUTER ""
#endif
#ifndef DEVICE_SECOND_ADDRESS
#define DEVICE_SECOND_ADDRESS "" /* where the device goes in the middle of its run */
#endif
#ifndef DEVICE_ENCAP
#define DEVICE_ENCAP true /* always UDP: a device's network may put a NAT in any time */
#endif
#ifndef DEVICE_KEEPALIVE_MS
#define DEVICE_KEEPALIVE_MS                                                                    \
    UINT32_MAX /* never: the first packet after sleep opens the NAT anew */
#endif
#ifndef DEVICE_BROKER
#define DEVICE_BROKER "broker.example"
#endif
#ifndef DEVICE_BROKER_PORT
#define DEVICE_BROKER_PORT 1883
#endif
#ifndef DEVICE_COAP_SERVER
#define DEVICE_COAP_SERVER "coap.example"
#endif
#ifndef DEVICE_READINGS
#define DEVICE_READINGS 20
#endif

#endif
