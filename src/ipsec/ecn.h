/* Explicit Congestion Notification through a tunnel (RFC 6040).
 *
 * Sealing copies the inner octet to the outer header ("normal mode", section 4.1);
 * that is one assignment and needs nothing from here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IPSEC_ECN_H
#define IPSEC_ECN_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/ip.h"

/* Brings what routers marked on the outer header into the inner packet, which parsed as
 * flow.  False: the combination demands a drop. */
bool ecn_decapsulate(uint8_t *inner, struct ip_flow *flow, uint8_t outer_tos);

#endif
