/* ICMP type 3 code 4 (RFC 1191 section 4) and ICMPv6 type 2 (RFC 4443 section 3.2).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/pmtu.h"

enum {
    ICMP_LEN = 8,
    ICMP_UNREACHABLE = 3,
    ICMP_FRAG_NEEDED = 4,
    ICMPV6_TOO_BIG = 2,
    ICMPV6_INFORMATIONAL = 128,                /* from here on messages are no errors */
    QUOTE4_MAX = 576 - IP4_HDR_LEN - ICMP_LEN, /* RFC 1812 section 4.3.2.3 */
    QUOTE6_MAX = IP6_MTU_MIN - IP6_HDR_LEN - ICMP_LEN,
    TTL = 64
};

/* ---- telling ---- */

/* RFC 1122 section 3.2.2.1: echo and the other queries may be answered, errors not. */
static bool is_icmp_query(uint8_t type)
{
    return type == 0 || type == 8 || (type >= 13 && type <= 18);
}

static bool is_unicast(const struct cv_addr *a)
{
    return !addr_is_zero(a) && !addr_is_group(a);
}

static bool may_answer(const struct ip_flow *f)
{
    const uint8_t type = (uint8_t)(f->dport >> 8);

    if (!is_unicast(&f->src) || !is_unicast(&f->dst))
        return false;
    if (f->fragment && !f->ports_known)
        return false; /* not the first one; or nothing known about it */
    if (f->proto == IPPROTO_NUM_ICMP)
        return f->ports_known && is_icmp_query(type);
    if (f->proto == IPPROTO_NUM_ICMPV6)
        return f->ports_known && type >= ICMPV6_INFORMATIONAL;
    return true;
}

/* p has room for ICMP header and n quoted octets, which are there already. */
static void put_icmp(uint8_t *p, size_t n, size_t mtu, const struct ip_head *head)
{
    const bool v6 = head->src.family == CV_IPV6;
    struct wr w = wr_init(p, ICMP_LEN);
    const struct cv_span all = span(p, ICMP_LEN + n);

    wr_u8(&w, v6 ? ICMPV6_TOO_BIG : ICMP_UNREACHABLE);
    wr_u8(&w, v6 ? 0 : ICMP_FRAG_NEEDED);
    wr_u16(&w, 0);
    wr_u32(&w, (uint32_t)(mtu & UINT16_MAX)); /* IPv4: the upper half is unused */
    wr_patch_u16(&w, 2,
                 v6 ? ip_upper_checksum(&head->src, &head->dst, head->proto, all)
                    : ip_checksum(all));
}

enum cv_err pmtu_answer(struct cv_packet *pkt, size_t mtu, const struct cv_addr *from)
{
    struct ip_flow f;
    struct ip_head head = {.ttl = TTL};
    enum cv_err err = ip_parse(&f, span(cv_packet_data(pkt), pkt->len));
    const bool v6 = f.src.family == CV_IPV6;
    const size_t most = v6 ? QUOTE6_MAX : QUOTE4_MAX;
    const size_t quote = f.total_len < most ? f.total_len : most;
    const size_t front = ip_head_len(f.src.family) + ICMP_LEN;

    if (err != CV_OK)
        return err;
    if (!may_answer(&f))
        return CV_ERR_UNSUPPORTED;
    if (pkt->off < front)
        return CV_ERR_NO_ROOM;
    head.src = from != NULL && from->family == f.src.family ? *from : f.dst;
    head.dst = f.src;
    head.proto = v6 ? IPPROTO_NUM_ICMPV6 : IPPROTO_NUM_ICMP;
    if (v6 && mtu < IP6_MTU_MIN)
        mtu = IP6_MTU_MIN; /* RFC 8201 section 4: less would be ignored */
    put_icmp(cv_packet_data(pkt) - ICMP_LEN, quote, mtu, &head);
    pkt->off -= front;
    ip_put_head(cv_packet_data(pkt), &head, ICMP_LEN + quote);
    pkt->len = front + quote;
    pkt->verdict = CV_DELIVER;
    return CV_OK;
}

/* ---- being told ---- */

/* r stands at a quoted header, which is cut off somewhere behind. */
static void read_quoted_head(struct pmtu_report *out, struct rd *r, bool v6)
{
    uint8_t first[2];

    rd_copy(r, first, sizeof(first));
    out->local.family = out->remote.family = v6 ? CV_IPV6 : CV_IPV4;
    if (first[0] >> 4 != (v6 ? 6 : 4) || (!v6 && (first[0] & 0x0f) < 5))
        rd_fail(r);
    rd_take(r, v6 ? 4 : 7);
    out->proto = rd_u8(r);
    rd_take(r, v6 ? 1 : 2);
    rd_copy(r, out->local.b, addr_len(out->local.family));
    rd_copy(r, out->remote.b, addr_len(out->remote.family));
    if (!v6)
        rd_take(r, (first[0] & 0x0fU) * 4 - IP4_HDR_LEN);
}

static void read_quoted_upper(struct pmtu_report *out, struct rd *r)
{
    switch (out->proto) {
    case IPPROTO_NUM_ESP:
        out->spi = rd_u32(r);
        break;
    case IPPROTO_NUM_AH:
        rd_take(r, 4);
        out->spi = rd_u32(r);
        break;
    case IPPROTO_NUM_UDP:
        out->sport = rd_u16(r);
        out->dport = rd_u16(r);
        rd_take(r, 4);
        if (rd_left(r) >= 4) /* RFC 792 promises eight octets only */
            out->spi = rd_u32(r);
        break;
    default:
        rd_fail(r);
    }
}

static bool is_whole_icmp(const struct ip_flow *f, struct cv_span message)
{
    return f->proto == IPPROTO_NUM_ICMPV6
               ? ip_upper_checksum(&f->src, &f->dst, f->proto, message) == 0
               : ip_checksum(message) == 0;
}

/* RFC 792: unreachable, time exceeded, parameter problem; RFC 4443 section 2.1. */
static bool is_icmp_error(const struct ip_flow *f)
{
    const unsigned type = f->dport >> 8;

    if (f->fragment || !f->ports_known)
        return false;
    if (f->src.family == CV_IPV6)
        return f->proto == IPPROTO_NUM_ICMPV6 && type > 0 && type < ICMPV6_INFORMATIONAL;
    return f->proto == IPPROTO_NUM_ICMP &&
           (type == ICMP_UNREACHABLE || type == 11 || type == 12);
}

static bool is_too_big(const struct ip_flow *f)
{
    return f->dport == (f->src.family == CV_IPV6 ? ICMPV6_TOO_BIG << 8
                                                 : ICMP_UNREACHABLE << 8 | ICMP_FRAG_NEEDED);
}

enum cv_err pmtu_parse_error(struct pmtu_report *out, struct cv_span packet)
{
    struct ip_flow f;
    struct rd r = rd_init(packet);
    struct rd icmp;
    size_t mtu;
    enum cv_err err = ip_parse(&f, packet);

    *out = (struct pmtu_report){0};
    if (err != CV_OK)
        return err;
    if (!is_icmp_error(&f))
        return CV_ERR_UNSUPPORTED;
    rd_take(&r, f.hdr_len);
    icmp = rd_sub(&r, f.total_len - f.hdr_len);
    if (!is_whole_icmp(&f, span(icmp.p, icmp.n)))
        return CV_ERR_MALFORMED;
    rd_take(&icmp, 4);
    mtu = rd_u32(&icmp);
    if (is_too_big(&f))
        out->mtu = f.src.family == CV_IPV6 ? mtu : mtu & UINT16_MAX;
    read_quoted_head(out, &icmp, f.src.family == CV_IPV6);
    read_quoted_upper(out, &icmp);
    return rd_ok(&icmp) ? CV_OK : CV_ERR_MALFORMED;
}

enum cv_err pmtu_parse(struct pmtu_report *out, struct cv_span packet)
{
    enum cv_err err = pmtu_parse_error(out, packet);

    return err == CV_OK && out->mtu == 0 ? CV_ERR_UNSUPPORTED : err;
}
