/* Transport mode, RFC 4303 section 3.1.1 and RFC 3948 section 3.1.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/transport.h"

enum {
    IP4_TTL_AT = 8,
    IP6_NEXT_AT = 6,
    IP6_TTL_AT = 7,
    TCP_SUM_AT = 16,
    UDP_SUM_AT = 6,
    ICMPV6_SUM_AT = 2,
    TTL = 64
};

/* RFC 4303 section 3.1.1: these stay in front of ESP. */
static bool stays_outside(uint8_t next_header)
{
    return next_header == IPPROTO_NUM_HOP_BY_HOP || next_header == IPPROTO_NUM_ROUTING ||
           next_header == IPPROTO_NUM_FRAGMENT;
}

enum cv_err transport_check(const struct cv_packet *pkt, const struct ip_flow *flow,
                            const struct cv_addr *local, const struct cv_addr *remote)
{
    if (flow->fragment)
        return CV_ERR_FRAGMENT;
    if (!addr_equal(&flow->src, local) || !addr_equal(&flow->dst, remote))
        return CV_ERR_SELECTOR;
    if (flow->src.family == CV_IPV6 && stays_outside(cv_packet_data(pkt)[IP6_NEXT_AT]))
        return CV_ERR_NEXT_HEADER;
    return CV_OK;
}

uint8_t transport_strip(struct cv_packet *pkt, const struct ip_flow *flow)
{
    const bool v6 = flow->src.family == CV_IPV6;
    const uint8_t next = v6 ? cv_packet_data(pkt)[IP6_NEXT_AT] : flow->proto;
    const size_t n = v6 ? IP6_HDR_LEN : flow->hdr_len;

    pkt->ttl = cv_packet_data(pkt)[v6 ? IP6_TTL_AT : IP4_TTL_AT];
    pkt->off += n;
    pkt->len -= n;
    return next;
}

enum cv_err transport_restore(struct cv_packet *pkt, uint8_t next_header)
{
    const size_t n = ip_head_len(pkt->remote.addr.family);
    const struct ip_head head = {
        .src = pkt->remote.addr,
        .dst = pkt->local.addr,
        .proto = next_header,
        .tos = pkt->tos,
        .ttl = pkt->ttl != 0 ? pkt->ttl : TTL, /* a program may have chosen it (RFC 5082) */
        .df = true, /* it is whole, and an identification need not be unique (RFC 6864) */
    };

    if (stays_outside(next_header) && head.src.family == CV_IPV6)
        return CV_ERR_NEXT_HEADER;
    if (pkt->off < n)
        return CV_ERR_NO_ROOM;
    if (pkt->len > UINT16_MAX - n)
        return CV_ERR_MALFORMED;
    ip_put_head(cv_packet_data(pkt) - n, &head, pkt->len);
    pkt->off -= n;
    pkt->len += n;
    return CV_OK;
}

static size_t checksum_at(const struct ip_flow *flow)
{
    switch (flow->proto) {
    case IPPROTO_NUM_TCP:
        return TCP_SUM_AT;
    case IPPROTO_NUM_UDP:
        return UDP_SUM_AT;
    case IPPROTO_NUM_ICMPV6:
        return ICMPV6_SUM_AT;
    default:
        return 0;
    }
}

void transport_fix_checksum(struct cv_packet *pkt, const struct ip_flow *flow)
{
    uint8_t *upper = cv_packet_data(pkt) + flow->hdr_len;
    const size_t n = flow->total_len - flow->hdr_len, at = checksum_at(flow);
    const bool udp = flow->proto == IPPROTO_NUM_UDP;
    uint16_t sum;

    if (at == 0 || n < at + 2)
        return;
    if (udp && flow->src.family == CV_IPV4 && (upper[at] | upper[at + 1]) == 0)
        return; /* RFC 768: the sender computed none */
    upper[at] = upper[at + 1] = 0;
    sum = ip_upper_checksum(&flow->src, &flow->dst, flow->proto, span(upper, n));
    if (udp && sum == 0)
        sum = UINT16_MAX;
    upper[at] = (uint8_t)(sum >> 8);
    upper[at + 1] = (uint8_t)(sum & 0xff);
}
