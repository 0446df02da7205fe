/* The engine's carriers as sockets of lwIP: UDP 500 and 4500, and IP protocol 50.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FIRMWARE_WIRE_H
#define FIRMWARE_WIRE_H

#include <culvert/packet.h>

#include "lwip/pbuf.h"

bool wire_init(void);

/* Sends pkt; the octets of its IP packet, 0 when it could not be sent. */
size_t wire_send(const struct cv_packet *pkt);

/* Octets that IP and UDP add. */
size_t wire_overhead(uint8_t carrier);

/* Takes what has come; implemented by the tunnel. */
void tunnel_input(struct pbuf *p, struct cv_packet *pkt);

#endif
