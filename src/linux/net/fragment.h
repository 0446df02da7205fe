/* Fragments of a packet whose header is written already: there the kernel makes none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LINUX_NET_FRAGMENT_H
#define LINUX_NET_FRAGMENT_H

#include <culvert/packet.h>

/* Sends the IPv4 packet in p, which may be a fragment itself, in pieces that fit the path;
 * its octets are changed on the way.  False with errno set. */
bool fragment_send(int fd, const struct cv_endpoint *local, const struct cv_endpoint *remote,
                   uint8_t tos, const struct cv_packet *p);

/* The same for a whole IPv6 packet, with 8 octets of room before it. */
bool fragment_send_ipv6(int fd, const struct cv_endpoint *local,
                        const struct cv_endpoint *remote, uint8_t tos,
                        const struct cv_packet *p);

#endif
