/* The headers in front of ESP: RFC 4303 section 3.1.1, RFC 791 section 3.1, RFC 8200 section 4.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip.h"

enum {
    IP4_PROTO_AT = 9,
    IP4_FRAGMENT = 0x3fff, /* more fragments, offset */
    IP6_PROTO_AT = 6,
    IP6_FRAGMENT = 0xfff9,
    IP4_EOL = 0,
    IP4_NOP = 1,
    IP4_LSRR = 131,
    IP4_SSRR = 137
};

/* ---- IPv4 ---- */

/* Option data of a source route: it has ended when the pointer is past it. */
static enum cv_err check_route(struct cv_span data, size_t len)
{
    struct rd r = rd_init(data);
    const uint8_t at = rd_u8(&r);

    if (!rd_ok(&r))
        return CV_ERR_MALFORMED;
    return at > len ? CV_OK : CV_ERR_SOURCE_ROUTE;
}

static enum cv_err check_options(struct rd *r)
{
    enum cv_err err = CV_OK;

    while (rd_left(r) > 0 && err == CV_OK) {
        const uint8_t type = rd_u8(r);
        struct cv_span data;
        size_t len;

        if (type == IP4_EOL)
            break;
        if (type == IP4_NOP)
            continue;
        len = rd_u8(r);
        data = rd_take(r, len - 2); /* a length below 2 becomes one that cannot fit */
        if (!rd_ok(r))
            return CV_ERR_MALFORMED;
        if (type == IP4_LSRR || type == IP4_SSRR)
            err = check_route(data, len);
    }
    return err;
}

static enum cv_err front_ip4(struct ip_front *out, struct cv_span s)
{
    struct rd r = rd_init(s), options;
    const size_t len = (size_t)(rd_u8(&r) & 0x0f) * 4;
    unsigned fragment;

    rd_take(&r, 5);
    fragment = rd_u16(&r);
    rd_take(&r, 1);
    *out = (struct ip_front){.len = len, .proto_at = IP4_PROTO_AT, .next = rd_u8(&r)};
    rd_take(&r, IP4_HDR_LEN - IP4_PROTO_AT - 1);
    if (!rd_ok(&r))
        return CV_ERR_SHORT;
    if (len < IP4_HDR_LEN)
        return CV_ERR_MALFORMED;
    options = rd_sub(&r, len - IP4_HDR_LEN);
    if (!rd_ok(&r))
        return CV_ERR_SHORT;
    return (fragment & IP4_FRAGMENT) != 0 ? CV_ERR_FRAGMENT : check_options(&options);
}

/* ---- IPv6 ---- */

/* Reads one extension header of this type; returns what it names next. */
static uint8_t read_extension(struct rd *r, uint8_t type, enum cv_err *err)
{
    const uint8_t next = rd_u8(r);
    const size_t len = rd_u8(r) * 8U + 6; /* behind these two octets */

    if (type == IPPROTO_NUM_FRAGMENT) {
        *err = (rd_u16(r) & IP6_FRAGMENT) != 0 ? CV_ERR_FRAGMENT : *err;
        rd_take(r, 4);
        return next;
    }
    if (type != IPPROTO_NUM_ROUTING) {
        rd_take(r, len);
        return next;
    }
    rd_take(r, 1);
    *err = rd_u8(r) != 0 ? CV_ERR_SOURCE_ROUTE : *err; /* segments left */
    rd_take(r, len - 2);
    return next;
}

static bool is_extension(uint8_t type)
{
    return type == IPPROTO_NUM_HOP_BY_HOP || type == IPPROTO_NUM_ROUTING ||
           type == IPPROTO_NUM_FRAGMENT || type == IPPROTO_NUM_DEST_OPTIONS;
}

/* Destination options at the end of the chain stay with what is protected, unless all is taken.
 */
static enum cv_err front_ip6(struct ip_front *out, struct cv_span s, bool all)
{
    struct rd r = rd_init(s);
    enum cv_err err = CV_OK;
    uint8_t next;

    rd_take(&r, IP6_PROTO_AT);
    next = rd_u8(&r);
    rd_take(&r, IP6_HDR_LEN - IP6_PROTO_AT - 1);
    *out = (struct ip_front){.len = IP6_HDR_LEN, .proto_at = IP6_PROTO_AT, .next = next};
    while (rd_ok(&r) && is_extension(next)) {
        const size_t at = s.n - rd_left(&r);
        const uint8_t type = next;

        next = read_extension(&r, type, &err);
        if (all || type != IPPROTO_NUM_DEST_OPTIONS)
            *out = (struct ip_front){
                .len = s.n - rd_left(&r),
                .proto_at = at,
                .next = next,
                .fragment = out->fragment || type == IPPROTO_NUM_FRAGMENT,
            };
    }
    return rd_ok(&r) ? err : CV_ERR_SHORT;
}

static enum cv_err read_front(struct ip_front *out, struct cv_span s, bool all)
{
    struct rd r = rd_init(s);

    switch (rd_u8(&r) >> 4) {
    case 4:
        return front_ip4(out, s);
    case 6:
        return front_ip6(out, s, all);
    default:
        return s.n == 0 ? CV_ERR_SHORT : CV_ERR_VERSION;
    }
}

enum cv_err ip_front_split(struct ip_front *out, struct cv_span packet)
{
    return read_front(out, packet, false);
}

enum cv_err ip_front_take(struct ip_front *out, struct cv_span headers)
{
    const enum cv_err err = read_front(out, headers, true);

    return err == CV_OK && out->len != headers.n ? CV_ERR_MALFORMED : err;
}
