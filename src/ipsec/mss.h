/* Keeping TCP segments small enough for a tunnel (RFC 879, RFC 6691, RFC 9293 section
 * 3.7.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_MSS_H
#define IPSEC_MSS_H

#include "wire/ip.h"

/* Lowers the maximum segment size that a TCP SYN announces to what fits packets of mtu
 * octets, and to mss.  flow is the packet's own. */
void mss_clamp(uint8_t *packet, const struct ip_flow *flow, size_t mtu, size_t mss);

#endif
