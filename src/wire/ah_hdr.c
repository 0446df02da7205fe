/* RFC 4302 sections 2 and 3.3.3.1, appendix A.
 *
 * Every option and extension header is cut out by a cursor before an octet of it is
 * changed, so nothing outside the n octets given is touched.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ah_hdr.h"

#include <string.h>

#include "wire/ip.h"

enum {
    IP6_SRC_AT = 8,
    IP6_DST_AT = 24,
    IP4_DST_AT = 16,
    IP6_LEN = 16,
    IP4_LEN = 4,
    CHANGES_EN_ROUTE = 0x20, /* in an option's type, RFC 8200 section 4.2 */
    OPT_PAD1 = 0,
    RTH_0 = 0, /* RFC 5095: deprecated, but a sender may still use it */
    RTH_2 = 2, /* RFC 6275 section 6.4 */
    IP4_EOL = 0,
    IP4_NOP = 1,
    IP4_LSRR = 131,
    IP4_SSRR = 137
};

enum cv_err ah_parse(struct ah_header *out, struct cv_span s, bool v6)
{
    struct rd r = rd_init(s);

    *out = (struct ah_header){.next = rd_u8(&r)};
    out->len = (rd_u8(&r) + 2U) * 4; /* in words, less two */
    rd_take(&r, 2);                  /* RESERVED: ignored on receipt, section 2.3 */
    out->spi = rd_u32(&r);
    out->seq_low = rd_u32(&r);
    if (!rd_ok(&r))
        return CV_ERR_SHORT;
    if (out->len < AH_FIXED_LEN || (v6 && out->len % 8 != 0)) /* section 2.2 */
        return CV_ERR_MALFORMED;
    return out->len <= s.n ? CV_OK : CV_ERR_SHORT;
}

void ah_put(struct wr *w, const struct ah_header *h)
{
    wr_u8(w, h->next);
    wr_u8(w, (uint8_t)(h->len / 4 - 2));
    wr_u16(w, 0);
    wr_u32(w, h->spi);
    wr_u32(w, h->seq_low);
    wr_zero(w, h->len - AH_FIXED_LEN);
}

/* ---- IPv4 ---- */

/* Appendix A1: everything else is mutable or unknown, and unknown counts as mutable. */
static bool is_immutable_ip4(uint8_t type)
{
    switch (type) {
    case 130: /* security */
    case 133: /* extended security */
    case 134: /* commercial security */
    case 148: /* router alert */
    case 149: /* sender directed multi-destination */
        return true;
    default:
        return false;
    }
}

/* A source route not used up: the destination will be its last address. */
static void predict_ip4(uint8_t *headers, const uint8_t *opt, size_t len)
{
    if (len >= 3 + IP4_LEN && opt[2] <= len)
        memcpy(headers + IP4_DST_AT, opt + len - IP4_LEN, IP4_LEN);
}

static enum cv_err settle_ip4(uint8_t *headers, size_t n)
{
    struct rd r = rd_init(span(headers, n));

    rd_take(&r, IP4_HDR_LEN);
    if (!rd_ok(&r))
        return CV_ERR_MALFORMED;
    headers[1] = 0;                /* type of service */
    headers[6] = headers[7] = 0;   /* flags, fragment offset */
    headers[8] = 0;                /* time to live */
    headers[10] = headers[11] = 0; /* checksum */
    while (rd_left(&r) > 0) {
        uint8_t *opt = headers + (n - rd_left(&r));
        const uint8_t type = rd_u8(&r);
        size_t len;

        if (type == IP4_EOL)
            break;
        if (type == IP4_NOP)
            continue;
        len = rd_u8(&r);
        rd_take(&r, len - 2); /* a length below 2 becomes one that cannot fit */
        if (!rd_ok(&r))
            return CV_ERR_MALFORMED;
        if (type == IP4_LSRR || type == IP4_SSRR)
            predict_ip4(headers, opt, len);
        if (!is_immutable_ip4(type))
            memset(opt, 0, len); /* the option as a unit, section 3.3.3.1.1.2 */
    }
    return CV_OK;
}

/* ---- IPv6 ---- */

/* Options of a hop-by-hop or destination options header: data that may change is zero, type
 * and length stay (section 3.3.3.1.2.2). */
static enum cv_err settle_options(uint8_t *options, size_t n)
{
    struct rd r = rd_init(span(options, n));

    while (rd_left(&r) > 0) {
        const uint8_t type = rd_u8(&r);
        uint8_t *data;
        size_t len;

        if (type == OPT_PAD1)
            continue;
        len = rd_u8(&r);
        data = options + (n - rd_left(&r));
        rd_take(&r, len);
        if (!rd_ok(&r))
            return CV_ERR_MALFORMED;
        if (type & CHANGES_EN_ROUTE)
            memset(data, 0, len);
    }
    return CV_OK;
}

/* A routing header as it will be at its end: each address still to be visited has made room
 * for the one before it, and the last is the destination (section 3.3.3.1.2.1). */
static enum cv_err settle_routing(uint8_t *headers, uint8_t *rth, size_t n)
{
    const uint8_t type = rth[2], left = rth[3];
    const size_t n_addrs = n / IP6_LEN; /* behind the first eight octets */
    uint8_t last[IP6_LEN], *first;

    if (left == 0)
        return CV_OK;
    if ((type != RTH_0 && type != RTH_2) || n % IP6_LEN != 8 || left > n_addrs)
        return CV_ERR_MALFORMED;
    first = rth + 8 + (n_addrs - left) * IP6_LEN;
    memcpy(last, first + (left - 1U) * IP6_LEN, IP6_LEN);
    memmove(first + IP6_LEN, first, (left - 1U) * IP6_LEN);
    memcpy(first, headers + IP6_DST_AT, IP6_LEN);
    memcpy(headers + IP6_DST_AT, last, IP6_LEN);
    rth[3] = 0;
    return CV_OK;
}

static enum cv_err settle_extension(uint8_t *headers, uint8_t type, uint8_t *ext, size_t n)
{
    switch (type) {
    case IPPROTO_NUM_HOP_BY_HOP:
    case IPPROTO_NUM_DEST_OPTIONS:
        return settle_options(ext + 2, n - 2);
    case IPPROTO_NUM_ROUTING:
        return settle_routing(headers, ext, n);
    case IPPROTO_NUM_FRAGMENT:
        return CV_ERR_FRAGMENT; /* AH is there before it is cut and after it is whole */
    default:
        return CV_ERR_MALFORMED;
    }
}

static enum cv_err settle_ip6(uint8_t *headers, size_t n)
{
    struct rd r = rd_init(span(headers, n));
    enum cv_err err = CV_OK;
    uint8_t next;

    rd_take(&r, IP6_HDR_LEN);
    if (!rd_ok(&r))
        return CV_ERR_MALFORMED;
    headers[0] = 0x60; /* traffic class and flow label */
    headers[1] = headers[2] = headers[3] = 0;
    headers[7] = 0; /* hop limit */
    next = headers[6];
    while (rd_left(&r) > 0 && err == CV_OK) {
        const uint8_t type = next;
        uint8_t *ext = headers + (n - rd_left(&r));
        size_t len;

        next = rd_u8(&r);
        len = (rd_u8(&r) + 1U) * 8;
        rd_take(&r, len - 2);
        err = rd_ok(&r) ? settle_extension(headers, type, ext, len) : CV_ERR_MALFORMED;
    }
    return err;
}

enum cv_err ah_settle(uint8_t *headers, size_t n)
{
    if (n == 0)
        return CV_ERR_MALFORMED;
    return headers[0] >> 4 == 6 ? settle_ip6(headers, n) : settle_ip4(headers, n);
}
