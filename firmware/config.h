/* A device's own settings, when it is not built with others (make firmware CONFIG=FILE;
 * `culvert device add NAME --psk --format c-header` prints such a file).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_CONFIG_H
#define FIRMWARE_CONFIG_H

#define CULVERT_DEVICE_NAME "sensor-17"
#define CULVERT_GATEWAY_NAME "gw.example"
#define CULVERT_GATEWAY_ADDRESS "10.77.9.1"
/* Of this example alone: each device has a secret of its own. */
#define CULVERT_PSK                                                                            \
    {                                                                                          \
        'n', 'o', 't', ' ', 'a', ' ', 'r', 'e', 'a', 'l', ' ', 's', 'e', 'c', 'r', 'e', 't'    \
    }

/* Instead of a PSK: a certificate and its P-256 key, and the gateway's P-256 public key, which
 * is pinned: x and y, 64 octets. */
/* #define CULVERT_CERTIFICATE {0x30, ...} */
/* #define CULVERT_PRIVATE_KEY {...} */
/* #define CULVERT_GATEWAY_KEY {...} */

/* Without an address of its own the device asks by DHCP. */
/* #define DEVICE_ADDRESS "10.77.9.2" */
/* #define DEVICE_NETMASK "255.255.255.0" */
/* #define DEVICE_ROUTER "10.77.9.1" */

#define DEVICE_BROKER "broker.example"
#define DEVICE_BROKER_PORT 1883
#define DEVICE_COAP_SERVER "coap.example"
#define DEVICE_READINGS 20

#endif
