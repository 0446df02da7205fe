/* IP headers, as far as policy looks at them: RFC 791, RFC 8200, RFC 4301 section
 * 4.4.1.1.
 *
 * A flow that parses lies within the octets that its header claims, and those within
 * the packet.  Ports are read only where they are known to be ports: never in a
 * fragment that is not the first, never past the end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip.h"

#include <string.h>

enum {
    IP4_PROTO_AT = 9,
    IP6_PROTO_AT = 6,
    IP4_MF = 0x2000,
    IP4_OFFSET = 0x1fff,
    IP6_MF = 0x0001,
    IP6_OFFSET = 0xfff8,
    IPPROTO_NUM_DCCP = 33,
    IPPROTO_NUM_SCTP = 132,
    IPPROTO_NUM_UDPLITE = 136
};

static uint16_t get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint16_t ip_checksum(struct cv_span s)
{
    uint64_t sum = 0;
    size_t i = 0;

    for (; s.n - i > 3; i += 4) /* the carries of both halves are added up below */
        sum += get_u32(s.p + i);
    if (s.n - i > 1) {
        sum += get_u16(s.p + i);
        i += 2;
    }
    if (i < s.n)
        sum += (uint32_t)s.p[i] << 8;
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Source and destination lie next to each other in both versions; f is zero otherwise. */
static void read_addrs(struct ip_flow *f, uint8_t family, const uint8_t *p)
{
    f->src.family = f->dst.family = family;
    if (family == CV_IPV4) {
        memcpy(f->src.b, p, 4);
        memcpy(f->dst.b, p + 4, 4);
    } else {
        memcpy(f->src.b, p, 16);
        memcpy(f->dst.b, p + 16, 16);
    }
}

/* r stands at the upper-layer header of an unfragmented packet or a first fragment.
 * Ports that are not all there stay 0. */
static void read_ports(struct ip_flow *f, struct rd *r)
{
    uint16_t first = rd_u16(r);
    uint16_t second = first;

    switch (f->proto) {
    case IPPROTO_NUM_TCP:
    case IPPROTO_NUM_UDP:
    case IPPROTO_NUM_DCCP:
    case IPPROTO_NUM_SCTP:
    case IPPROTO_NUM_UDPLITE:
        second = rd_u16(r);
        break;
    case IPPROTO_NUM_ICMP:
    case IPPROTO_NUM_ICMPV6:
        break; /* type and code stand for both (RFC 4301 section 4.4.1.1) */
    default:
        return;
    }
    if (!rd_ok(r))
        return;
    f->sport = first;
    f->dport = second;
    f->ports_known = true;
}

static enum cv_err parse_ip4(struct ip_flow *f, struct cv_span packet)
{
    struct rd r = rd_init(packet);
    const uint8_t *h = rd_take(&r, IP4_HDR_LEN).p;
    unsigned frag;

    if (!rd_ok(&r))
        return CV_ERR_SHORT;
    f->tos = h[1];
    f->total_len = get_u16(h + 2);
    f->hdr_len = (size_t)(h[0] & 0x0f) * 4;
    f->proto_at = IP4_PROTO_AT;
    f->proto = h[IP4_PROTO_AT];
    read_addrs(f, CV_IPV4, h + 12);
    frag = get_u16(h + 6);
    f->df = (frag & IP4_DF) != 0;
    f->fragment = (frag & (IP4_MF | IP4_OFFSET)) != 0;
    if (f->hdr_len < IP4_HDR_LEN || f->total_len < f->hdr_len)
        return CV_ERR_MALFORMED;
    if (f->total_len > packet.n)
        return CV_ERR_SHORT;
    if (ip_checksum(span(packet.p, f->hdr_len)) != 0)
        return CV_ERR_CHECKSUM;
    r = rd_init(span(packet.p, f->total_len));
    rd_take(&r, f->hdr_len);
    if ((frag & IP4_OFFSET) == 0)
        read_ports(f, &r);
    return CV_OK;
}

/* Walks the extension headers that RFC 4301 section 4.4.1.1 names as those to skip; AH
 * and ESP are not among them.  Stops behind the header of a non-first fragment, for
 * what follows there is data.  Returns whether r stands at an upper-layer header. */
static bool walk_extensions(struct ip_flow *f, struct rd *r)
{
    while (rd_ok(r)) {
        const size_t at = f->total_len - rd_left(r);
        uint8_t next;

        switch (f->proto) {
        case IPPROTO_NUM_HOP_BY_HOP:
        case IPPROTO_NUM_ROUTING:
        case IPPROTO_NUM_DEST_OPTIONS:
            next = rd_u8(r);
            rd_take(r, rd_u8(r) * 8U + 6);
            f->proto = next;
            f->proto_at = at;
            break;
        case IPPROTO_NUM_FRAGMENT: {
            unsigned frag;

            next = rd_u8(r);
            rd_take(r, 1);
            frag = rd_u16(r);
            rd_take(r, 4);
            f->proto = next;
            f->proto_at = at;
            if (frag & (IP6_OFFSET | IP6_MF))
                f->fragment = true;
            if (frag & IP6_OFFSET)
                return false;
            break;
        }
        default:
            return true;
        }
    }
    return false;
}

static enum cv_err parse_ip6(struct ip_flow *f, struct cv_span packet)
{
    struct rd r = rd_init(packet);
    const uint8_t *h = rd_take(&r, IP6_HDR_LEN).p;
    bool upper;

    if (!rd_ok(&r))
        return CV_ERR_SHORT;
    f->tos = (uint8_t)(get_u16(h) >> 4);
    f->total_len = (size_t)IP6_HDR_LEN + get_u16(h + 4);
    f->proto_at = IP6_PROTO_AT;
    f->proto = h[IP6_PROTO_AT];
    read_addrs(f, CV_IPV6, h + 8);
    f->df = true; /* RFC 8200 section 5: routers do not fragment */
    if (f->total_len > packet.n)
        return CV_ERR_SHORT;
    r = rd_init(span(h + IP6_HDR_LEN, f->total_len - IP6_HDR_LEN));
    upper = walk_extensions(f, &r);
    if (!rd_ok(&r))
        return CV_ERR_MALFORMED;
    f->hdr_len = f->total_len - rd_left(&r);
    if (upper)
        read_ports(f, &r);
    return CV_OK;
}

enum cv_err ip_parse(struct ip_flow *out, struct cv_span packet)
{
    *out = (struct ip_flow){0};
    if (packet.n == 0)
        return CV_ERR_SHORT;
    switch (packet.p[0] >> 4) {
    case 4:
        return parse_ip4(out, packet);
    case 6:
        return parse_ip6(out, packet);
    default:
        return CV_ERR_VERSION;
    }
}
