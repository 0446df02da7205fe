/* IP headers as plain structs, read, written and patched; addresses as values.  Pure; RFC
 * 791, 8200, 1071.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef WIRE_IP_H
#define WIRE_IP_H

#include <culvert/error.h>
#include <culvert/types.h>

#include "base/span.h"

enum {
    IP4_HDR_LEN = 20,
    IP6_HDR_LEN = 40,
    IP4_DF = 0x4000,
    IP6_MTU_MIN = 1280, /* RFC 8200 section 5 */
    IPPROTO_NUM_HOP_BY_HOP = 0,
    IPPROTO_NUM_ICMP = 1,
    IPPROTO_NUM_IPIP = 4,
    IPPROTO_NUM_TCP = 6,
    IPPROTO_NUM_UDP = 17,
    IPPROTO_NUM_IPV6 = 41,
    IPPROTO_NUM_ROUTING = 43,
    IPPROTO_NUM_FRAGMENT = 44,
    IPPROTO_NUM_ESP = 50,
    IPPROTO_NUM_AH = 51,
    IPPROTO_NUM_ICMPV6 = 58,
    IPPROTO_NUM_NONE = 59,
    IPPROTO_NUM_DEST_OPTIONS = 60
};

/* What policy needs of a packet: addresses, upper protocol and its ports. */
struct ip_flow {
    struct cv_addr src, dst;
    uint8_t proto;    /* upper-layer protocol, IPv6 extension headers walked */
    bool ports_known; /* false: not TCP/UDP/SCTP/ICMP..., a non-first fragment, or too short */
    uint16_t sport, dport; /* ICMP: type << 8 | code in both (RFC 4301 section 4.4.1.1) */
    bool fragment;         /* any fragment; non-first ones have ports unknown */
    bool ports_wild;       /* never set by ip_parse: unknown ports shall match any selector */
    uint8_t tos;
    bool df;          /* IPv4 DF bit; IPv6: true */
    size_t total_len; /* by the header */
    size_t hdr_len;   /* up to the upper-layer header */
    size_t proto_at;  /* where the packet names proto */
};

/* Reads and validates an IPv4 or IPv6 packet.  total_len above the data is
 * CV_ERR_SHORT; below is fine (TFC padding follows).  The IPv4 header checksum is checked.  Any
 * number of extension headers is walked within the packet, each step moving forward. */
CV_MUST_USE enum cv_err ip_parse(struct ip_flow *out, struct cv_span packet);

/* The headers of an IP packet that stand in front of ESP in transport mode. */
struct ip_front {
    size_t len, proto_at; /* where they name what is behind */
    uint8_t next;         /* which is this */
    bool fragment;        /* IPv6: an (atomic) fragment header is one of them */
};

/* Those that a sender leaves outside (RFC 4303 section 3.1.1): the IPv4 header with its
 * options; the IPv6 header with hop-by-hop options, routing and fragment header, and
 * destination options before such a one.  CV_ERR_SHORT, CV_ERR_MALFORMED; CV_ERR_FRAGMENT;
 * CV_ERR_SOURCE_ROUTE: the packet's destination is not its last stop. */
CV_MUST_USE enum cv_err ip_front_split(struct ip_front *out, struct cv_span packet);

/* headers is nothing but such headers, as they came in front of ESP; all destination options
 * may be among them.  What they say of the packet's length is not looked at.  As above. */
CV_MUST_USE enum cv_err ip_front_take(struct ip_front *out, struct cv_span headers);

uint16_t ip_checksum(struct cv_span s); /* RFC 1071, 16-bit one's complement */

/* The same over pseudo-header and data of a TCP, UDP or ICMPv6 packet (RFC 8200 section 8.1);
 * 0 when the checksum in data is right. */
uint16_t ip_upper_checksum(const struct cv_addr *src, const struct cv_addr *dst, uint8_t proto,
                           struct cv_span data);

/* ---- writing ---- */

/* A header without options or extension headers. */
struct ip_head {
    struct cv_addr src, dst; /* of one family */
    uint8_t proto, tos, ttl;
    bool df;     /* IPv4 */
    uint16_t id; /* IPv4 */
};

size_t ip_head_len(uint8_t family); /* 20, 40 */
/* Writes ip_head_len octets in front of n octets of payload. */
void ip_put_head(uint8_t *out, const struct ip_head *h, size_t n);
/* The packet is total octets long from now on; the IPv4 checksum follows. */
void ip_set_len(uint8_t *packet, size_t total);
/* And named at proto_at is proto. */
void ip_patch(uint8_t *packet, size_t total, size_t proto_at, uint8_t proto);
/* It goes from src to dst from now on; the checksum is left for ip_set_len. */
void ip_set_addrs(uint8_t *packet, const struct cv_addr *src, const struct cv_addr *dst);
/* IPv4; the same. */
void ip_set_df(uint8_t *packet, bool df);

/* ---- addresses ---- */

bool addr_equal(const struct cv_addr *a, const struct cv_addr *b);
bool addr_is_zero(const struct cv_addr *a); /* all octets zero, whatever the family */
bool addr_is_loopback(const struct cv_addr *a);
/* Multicast or limited broadcast; a subnet's own broadcast looks like any host. */
bool addr_is_group(const struct cv_addr *a);
size_t addr_len(uint8_t family); /* 4, 16; 0 for others */
bool endpoint_equal(const struct cv_endpoint *a, const struct cv_endpoint *b);
bool range_has(const struct cv_addr_range *r, const struct cv_addr *a);

#endif
