/* What lwIP asks us.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_HOOKS_H
#define FIRMWARE_HOOKS_H

#include "lwip/pbuf.h"

struct netif;

/* May this IPv4 packet, which came by this interface, pass?  1: no, and it is freed. */
int tunnel_guard(struct pbuf *packet, struct netif *netif);

#endif
