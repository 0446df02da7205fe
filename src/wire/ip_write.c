/* Writing and patching IP headers, and the checksum of what they carry: RFC 791, 8200,
 * 1071.  The callers have made sure of the room.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip.h"

enum {
    IP4_LEN_AT = 2,
    IP4_FLAGS_AT = 6,
    IP4_SUM_AT = 10,
    IP4_ADDRS_AT = 12,
    IP6_LEN_AT = 4,
    IP6_ADDRS_AT = 8,
    PSEUDO_MAX = 40
};

size_t ip_head_len(uint8_t family)
{
    return family == CV_IPV6 ? IP6_HDR_LEN : IP4_HDR_LEN;
}

static void put_u16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8 & 0xff);
    p[1] = (uint8_t)(v & 0xff);
}

static void seal_ip4(uint8_t *packet, size_t hdr_len)
{
    put_u16(packet + IP4_SUM_AT, 0);
    put_u16(packet + IP4_SUM_AT, ip_checksum(span(packet, hdr_len)));
}

void ip_put_head(uint8_t *out, const struct ip_head *h, size_t n)
{
    const size_t len = addr_len(h->src.family);
    struct wr w = wr_init(out, ip_head_len(h->src.family));

    if (h->src.family == CV_IPV6) {
        wr_u32(&w, UINT32_C(6) << 28 | (uint32_t)h->tos << 20);
        wr_u16(&w, (uint16_t)n);
        wr_u8(&w, h->proto);
        wr_u8(&w, h->ttl);
    } else {
        wr_u8(&w, 4 << 4 | IP4_HDR_LEN / 4);
        wr_u8(&w, h->tos);
        wr_u16(&w, (uint16_t)(IP4_HDR_LEN + n));
        wr_u16(&w, h->id);
        wr_u16(&w, h->df ? IP4_DF : 0);
        wr_u8(&w, h->ttl);
        wr_u8(&w, h->proto);
        wr_u16(&w, 0);
    }
    wr_copy(&w, h->src.b, len);
    wr_copy(&w, h->dst.b, len);
    if (h->src.family != CV_IPV6)
        seal_ip4(out, IP4_HDR_LEN);
}

void ip_set_len(uint8_t *packet, size_t total)
{
    if (packet[0] >> 4 == 6) {
        put_u16(packet + IP6_LEN_AT, total - IP6_HDR_LEN);
        return;
    }
    put_u16(packet + IP4_LEN_AT, total);
    seal_ip4(packet, (size_t)(packet[0] & 0x0f) * 4);
}

void ip_patch(uint8_t *packet, size_t total, size_t proto_at, uint8_t proto)
{
    packet[proto_at] = proto;
    ip_set_len(packet, total);
}

void ip_set_addrs(uint8_t *packet, const struct cv_addr *src, const struct cv_addr *dst)
{
    const size_t n = addr_len(src->family);
    struct wr w =
        wr_init(packet + (src->family == CV_IPV6 ? IP6_ADDRS_AT : IP4_ADDRS_AT), 2 * n);

    wr_copy(&w, src->b, n);
    wr_copy(&w, dst->b, n);
}

void ip_set_df(uint8_t *packet, bool df)
{
    const unsigned rest = packet[IP4_FLAGS_AT] & ~(unsigned)(IP4_DF >> 8);

    packet[IP4_FLAGS_AT] = (uint8_t)(rest | (df ? IP4_DF >> 8 : 0));
}

uint16_t ip_upper_checksum(const struct cv_addr *src, const struct cv_addr *dst, uint8_t proto,
                           struct cv_span data)
{
    uint8_t pseudo[PSEUDO_MAX];
    struct wr w = wr_init(pseudo, sizeof(pseudo));
    uint32_t sum;

    wr_copy(&w, src->b, addr_len(src->family));
    wr_copy(&w, dst->b, addr_len(dst->family));
    wr_u32(&w, (uint32_t)data.n); /* IPv4 has half as many zeros; they add nothing */
    wr_u32(&w, proto);
    sum = (uint16_t)~ip_checksum(wr_done(&w));
    sum += (uint16_t)~ip_checksum(data);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
