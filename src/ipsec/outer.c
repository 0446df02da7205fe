/* The headers outside a sealed packet that a host's sockets write and take off: for SAs inside
 * SAs they are ours to write.  RFC 791, 768, 8200; RFC 3948 section 2.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/ipsec.h>

#include "wire/ip.h"

enum { UDP_LEN = 8, TTL = 64, SPI_LEN = 4, SEQ_LOW_AT = 6, IP4_TTL_AT = 8, IP6_TTL_AT = 7 };

/* ---- on ---- */

/* IPv6 has no packets without a checksum but for protocols that ask for it, and RFC 3948 does
 * not (RFC 8200 section 8.1). */
static void put_udp(struct cv_packet *pkt)
{
    struct wr w;
    uint16_t sum;

    pkt->off -= UDP_LEN;
    pkt->len += UDP_LEN;
    w = wr_init(cv_packet_data(pkt), UDP_LEN);
    wr_u16(&w, pkt->local.port);
    wr_u16(&w, pkt->remote.port);
    wr_u16(&w, (uint16_t)pkt->len);
    wr_u16(&w, 0);
    if (pkt->local.addr.family != CV_IPV6)
        return;
    sum = ip_upper_checksum(&pkt->local.addr, &pkt->remote.addr, IPPROTO_NUM_UDP,
                            span(cv_packet_data(pkt), pkt->len));
    wr_patch_u16(&w, 6, sum == 0 ? UINT16_MAX : sum);
}

/* Fragments of two packets must not mix: the sequence number differs (RFC 6864 section 4.3). */
static uint16_t read_id(const struct cv_packet *pkt)
{
    struct rd r = rd_init(span(cv_packet_data(pkt), pkt->len));

    rd_take(&r, SEQ_LOW_AT);
    return rd_u16(&r);
}

static void put_new_head(struct cv_packet *pkt, bool udp, uint16_t id)
{
    const size_t n = ip_head_len(pkt->remote.addr.family);
    const struct ip_head head = {
        .src = pkt->local.addr,
        .dst = pkt->remote.addr,
        .proto = udp ? IPPROTO_NUM_UDP : IPPROTO_NUM_ESP,
        .tos = pkt->tos,
        .ttl = pkt->ttl != 0 ? pkt->ttl : TTL,
        .df = pkt->df,
        .id = id,
    };

    ip_put_head(cv_packet_data(pkt) - n, &head, pkt->len);
    pkt->off -= n;
    pkt->len += n;
}

/* The packet's own, which names ESP or UDP already (transport_name). */
static void put_own_head(struct cv_packet *pkt)
{
    const size_t n = pkt->head;
    uint8_t *head;

    pkt->off -= n;
    pkt->len += n;
    pkt->head = 0;
    head = cv_packet_data(pkt);
    ip_set_addrs(head, &pkt->local.addr, &pkt->remote.addr);
    if (pkt->local.addr.family == CV_IPV4)
        ip_set_df(head, pkt->df);
    ip_set_len(head, pkt->len);
}

/* What pkt->head says stands there, as far as the rest relies on it. */
static bool is_head(const struct cv_packet *pkt, size_t at)
{
    const uint8_t first = pkt->buf[at];

    if (pkt->local.addr.family == CV_IPV6)
        return first >> 4 == 6 && pkt->head >= IP6_HDR_LEN;
    return first >> 4 == 4 && pkt->head >= IP4_HDR_LEN && pkt->head == (first & 0x0f) * 4;
}

enum cv_err cv_outer_put(struct cv_packet *pkt)
{
    const bool udp = pkt->carrier == CV_UDP_4500 || pkt->carrier == CV_UDP_500;
    const uint8_t family = pkt->remote.addr.family;
    const size_t head = pkt->head != 0 ? pkt->head : ip_head_len(family);
    const size_t n = head + (udp ? UDP_LEN : 0);
    uint16_t id;

    if (pkt->carrier == CV_RAW_AH)
        return CV_OK; /* AH covers the IP header, so it is there already */
    if (addr_len(family) == 0 || pkt->local.addr.family != family)
        return CV_ERR_ARGUMENT;
    if (pkt->len > UINT16_MAX - n)
        return CV_ERR_TOO_BIG;
    if (pkt->off < n)
        return CV_ERR_NO_ROOM;
    if (pkt->head != 0 && !is_head(pkt, pkt->off - n))
        return CV_ERR_ARGUMENT;
    id = read_id(pkt);
    if (udp)
        put_udp(pkt);
    if (pkt->head != 0)
        put_own_head(pkt);
    else
        put_new_head(pkt, udp, id);
    return CV_OK;
}

/* ---- off ---- */

/* Any port: which one carries ESP is the SA's to say. */
static enum cv_err take_udp(struct cv_packet *pkt)
{
    struct rd r = rd_init(span(cv_packet_data(pkt), pkt->len));
    size_t n;

    pkt->remote.port = rd_u16(&r);
    pkt->local.port = rd_u16(&r);
    n = rd_u16(&r);
    rd_take(&r, 2); /* ESP has better than this checksum */
    if (!rd_ok(&r) || n < UDP_LEN || n > pkt->len)
        return CV_ERR_MALFORMED;
    pkt->off += UDP_LEN;
    pkt->len = n - UDP_LEN;
    r = rd_init(span(cv_packet_data(pkt), pkt->len));
    pkt->carrier = CV_UDP_4500;
    return rd_left(&r) > SPI_LEN && rd_u32(&r) != 0 ? CV_OK : CV_ERR_NEXT_HEADER;
}

enum cv_err cv_outer_take(struct cv_packet *pkt)
{
    struct cv_packet out = *pkt;
    struct ip_flow flow;
    enum cv_err err = ip_parse(&flow, span(cv_packet_data(pkt), pkt->len));

    if (err != CV_OK)
        return err;
    if (flow.fragment)
        return CV_ERR_FRAGMENT;
    if (flow.proto != IPPROTO_NUM_AH && flow.proto != IPPROTO_NUM_ESP &&
        flow.proto != IPPROTO_NUM_UDP)
        return CV_ERR_NEXT_HEADER;
    out.remote = (struct cv_endpoint){.addr = flow.src};
    out.local = (struct cv_endpoint){.addr = flow.dst};
    out.tos = flow.tos;
    out.ttl = cv_packet_data(pkt)[flow.src.family == CV_IPV6 ? IP6_TTL_AT : IP4_TTL_AT];
    out.carrier = flow.proto == IPPROTO_NUM_AH ? CV_RAW_AH : CV_RAW_ESP;
    out.len = flow.total_len;
    if (flow.proto != IPPROTO_NUM_AH) {
        out.off += flow.hdr_len;
        out.len -= flow.hdr_len;
    }
    if (flow.proto == IPPROTO_NUM_UDP)
        err = take_udp(&out);
    if (err != CV_OK)
        return err;
    out.head = flow.proto == IPPROTO_NUM_AH ? 0 : (uint16_t)flow.hdr_len;
    *pkt = out;
    return CV_OK;
}
