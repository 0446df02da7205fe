/* The board's Ethernet port as an interface of lwIP.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_ETHERNET_H
#define FIRMWARE_ETHERNET_H

#include "lwip/netif.h"

extern struct netif ethernet;

void ethernet_init(void);

/* Gives lwIP the frames that have come. */
void ethernet_poll(void);

#endif
