/* IPv4, IPv6, UDP and ESP headers as plain structs.  Pure; RFC 791, 8200, 768, 4303.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include <culvert/error.h>
#include <culvert/types.h>

#include "base/span.h"

enum {
    IPPROTO_NUM_ICMP = 1,
    IPPROTO_NUM_IPIP = 4,
    IPPROTO_NUM_TCP = 6,
    IPPROTO_NUM_UDP = 17,
    IPPROTO_NUM_IPV6 = 41,
    IPPROTO_NUM_ESP = 50,
    IPPROTO_NUM_AH = 51,
    IPPROTO_NUM_ICMPV6 = 58,
    IPPROTO_NUM_NONE = 59
};

/* What policy needs of a packet: addresses, upper protocol and its ports. */
struct ip_flow {
    struct cv_addr src, dst;
    uint8_t proto;    /* upper-layer protocol, IPv6 extension headers walked */
    bool ports_known; /* false: not TCP/UDP/SCTP/ICMP..., a non-first fragment, or too short */
    uint16_t sport,
        dport;     /* ICMP: type << 8 | code in dport and sport (RFC 4301 section 4.4.1.1) */
    bool fragment; /* any fragment; non-first ones have ports unknown */
    uint8_t tos;
    bool df;          /* IPv4 DF bit; IPv6: true */
    size_t total_len; /* by the header */
    size_t hdr_len;   /* up to the upper-layer header */
};

/* Reads and validates an IPv4 or IPv6 packet.  total_len above the data is
 * CV_ERR_SHORT; below is fine (TFC padding follows).  The IPv4 header checksum is checked.  Any
 * number of extension headers is walked within the packet, each step moving forward. */
CV_MUST_USE enum cv_err ip_parse(struct ip_flow *out, struct cv_span packet);

uint16_t ip_checksum(struct cv_span s); /* RFC 1071, 16-bit one's complement */

bool addr_equal(const struct cv_addr *a, const struct cv_addr *b);
bool addr_is_zero(const struct cv_addr *a); /* all octets zero, whatever the family */
size_t addr_len(uint8_t family);            /* 4, 16; 0 for others */
bool endpoint_equal(const struct cv_endpoint *a, const struct cv_endpoint *b);
bool range_has(const struct cv_addr_range *r, const struct cv_addr *a);

#endif
