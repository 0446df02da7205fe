/* The headers that the kernel takes off before a socket sees the packet, built anew from what
 * it says of them (ip(7), RFC 3542 section 6).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_HEADER_H
#define LINUX_NET_HEADER_H

#include <sys/socket.h>

#include <culvert/packet.h>

/* The headers of a packet from p->remote to p->local, in front of what the socket gave.  gap
 * octets are left between, and upper is what stands there.  Returns how long they are; 0: they
 * do not fit or are not a whole chain. */
size_t header_put(struct cv_packet *p, struct msghdr *h, uint8_t upper, size_t gap);

/* The same where there were IPv4 options or IPv6 extension headers, for pkt->head: 0 where
 * there were none, more than there is room where they are lost. */
uint16_t header_keep(struct cv_packet *p, struct msghdr *h, uint8_t upper, size_t gap);

#endif
