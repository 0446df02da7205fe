/* Transport mode, RFC 4303 section 3.1.1 and RFC 3948 section 3.1.2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/transport.h"

#include <string.h>

enum {
    UDP_LEN = 8,
    IP4_TTL_AT = 8,
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

enum cv_err transport_check(const struct ip_flow *flow, const struct cv_addr *local,
                            const struct cv_addr *remote)
{
    if (flow->fragment)
        return CV_ERR_FRAGMENT;
    return addr_equal(&flow->src, local) && addr_equal(&flow->dst, remote) ? CV_OK
                                                                           : CV_ERR_SELECTOR;
}

/* ---- out ---- */

void transport_strip(struct cv_packet *pkt, const struct ip_front *front, size_t room)
{
    uint8_t *at = cv_packet_data(pkt);

    pkt->ttl = at[at[0] >> 4 == 6 ? IP6_TTL_AT : IP4_TTL_AT];
    memmove(at - room, at, front->len);
    pkt->off += front->len;
    pkt->len -= front->len;
    pkt->head = (uint16_t)front->len;
}

void transport_unstrip(struct cv_packet *pkt, size_t room)
{
    pkt->off -= pkt->head;
    pkt->len += pkt->head;
    memmove(cv_packet_data(pkt), cv_packet_data(pkt) - room, pkt->head);
    pkt->head = 0;
}

void transport_name(struct cv_packet *pkt, const struct ip_front *front, bool udp)
{
    uint8_t *at = cv_packet_data(pkt) - pkt->head - (udp ? UDP_LEN : 0);

    at[front->proto_at] = udp ? IPPROTO_NUM_UDP : IPPROTO_NUM_ESP;
}

/* ---- in ---- */

/* UDP's header is between the packet's own and ESP. */
static size_t udp_len(const struct cv_packet *pkt)
{
    return pkt->carrier == CV_UDP_4500 ? UDP_LEN : 0;
}

/* What stands in front of ESP, which begins at esp_at. */
static struct cv_span head_of(const struct cv_packet *pkt, size_t esp_at)
{
    return span(pkt->buf + (esp_at - udp_len(pkt) - pkt->head), pkt->head);
}

enum cv_err transport_may_open(const struct cv_packet *pkt, size_t gap)
{
    const uint8_t family = pkt->remote.addr.family;
    struct cv_span head;
    struct ip_front front;

    if (pkt->head == 0)
        return pkt->off + gap < ip_head_len(family) ? CV_ERR_NO_ROOM : CV_OK;
    if (pkt->head + udp_len(pkt) > pkt->off)
        return CV_ERR_LIMIT;
    head = head_of(pkt, pkt->off);
    if (head.p[0] >> 4 != (family == CV_IPV6 ? 6 : 4))
        return CV_ERR_MALFORMED;
    return ip_front_take(&front, head);
}

/* The header that arrived goes in front again.  It was looked at by transport_may_open. */
static enum cv_err restore_own(struct cv_packet *pkt, uint8_t next_header, size_t esp_at)
{
    const struct cv_span head = head_of(pkt, esp_at);
    struct ip_front front;
    enum cv_err err = ip_front_take(&front, head);

    if (err != CV_OK)
        return err;
    if (pkt->len > UINT16_MAX - front.len)
        return CV_ERR_MALFORMED;
    pkt->off -= front.len;
    pkt->len += front.len;
    pkt->head = 0;
    memmove(cv_packet_data(pkt), head.p, front.len);
    ip_set_addrs(cv_packet_data(pkt), &pkt->remote.addr, &pkt->local.addr);
    ip_patch(cv_packet_data(pkt), pkt->len, front.proto_at, next_header);
    return CV_OK;
}

static enum cv_err restore_new(struct cv_packet *pkt, uint8_t next_header)
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

    if (pkt->off < n)
        return CV_ERR_NO_ROOM;
    if (pkt->len > UINT16_MAX - n)
        return CV_ERR_MALFORMED;
    ip_put_head(cv_packet_data(pkt) - n, &head, pkt->len);
    pkt->off -= n;
    pkt->len += n;
    return CV_OK;
}

enum cv_err transport_restore(struct cv_packet *pkt, uint8_t next_header, size_t esp_at)
{
    if (pkt->remote.addr.family == CV_IPV6 && stays_outside(next_header))
        return CV_ERR_NEXT_HEADER;
    return pkt->head != 0 ? restore_own(pkt, next_header, esp_at)
                          : restore_new(pkt, next_header);
}

/* ---- checksum ---- */

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
