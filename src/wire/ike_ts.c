/* Traffic Selector payloads, RFC 7296 section 3.13.
 *
 * A list that parses holds ranges in order: no address range is upside down, and of
 * port ranges only OPAQUE (65535..0, RFC 7296 section 3.13.1) is.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire/ip.h"

#include <string.h>

enum {
    TS_IPV4_ADDR_RANGE = 7,
    TS_IPV6_ADDR_RANGE = 8,
    TS_BODY_HDR_LEN = 4, /* how many, RESERVED */
    TS_HDR_LEN = 4,      /* type, protocol, length */
    TS_PORTS_LEN = 4     /* start and end port */
};

static uint8_t family_of(uint8_t ts_type)
{
    switch (ts_type) {
    case TS_IPV4_ADDR_RANGE:
        return CV_IPV4;
    case TS_IPV6_ADDR_RANGE:
        return CV_IPV6;
    default:
        return CV_ANY_FAMILY;
    }
}

static bool is_in_order(const struct cv_ts *ts)
{
    bool opaque = ts->port_lo == 65535 && ts->port_hi == 0;

    return memcmp(ts->lo, ts->hi, sizeof(ts->lo)) <= 0 &&
           (ts->port_lo <= ts->port_hi || opaque);
}

/* One selector; of a type that we do not know: family 0. */
static enum cv_err read_ts(struct rd *r, struct cv_ts *out)
{
    size_t len;
    struct rd sel;

    *out = (struct cv_ts){.family = family_of(rd_u8(r))};
    out->proto = rd_u8(r);
    sel = rd_block16(r, TS_HDR_LEN);
    len = addr_len(out->family);
    if (len == 0)
        return CV_OK;
    out->port_lo = rd_u16(&sel);
    out->port_hi = rd_u16(&sel);
    rd_copy(&sel, out->lo, len);
    rd_copy(&sel, out->hi, len);
    return rd_done(&sel) && is_in_order(out) ? CV_OK : CV_ERR_MALFORMED;
}

struct rd ike_ts_begin(struct cv_span body)
{
    struct rd r = rd_init(body);

    rd_take(&r, TS_BODY_HDR_LEN);
    return r;
}

bool ike_next_ts(struct rd *r, struct cv_ts *out)
{
    while (rd_left(r) > 0) {
        if (read_ts(r, out) != CV_OK)
            rd_fail(r);
        else if (rd_ok(r) && out->family != CV_ANY_FAMILY)
            return true;
    }
    return false;
}

enum cv_err ike_check_ts(struct cv_span body, unsigned *n)
{
    struct rd r = rd_init(body);
    unsigned count = rd_u8(&r);
    struct cv_ts ts;

    rd_take(&r, TS_BODY_HDR_LEN - 1); /* RESERVED */
    *n = 0;
    for (unsigned i = 0; i < count && rd_ok(&r); i++) {
        if (read_ts(&r, &ts) != CV_OK)
            return CV_ERR_MALFORMED;
        *n += ts.family != CV_ANY_FAMILY;
    }
    return rd_done(&r) ? CV_OK : CV_ERR_MALFORMED;
}

enum cv_err ike_parse_ts(struct cv_ts_list *out, struct cv_span body)
{
    struct rd r = ike_ts_begin(body);
    unsigned n;
    enum cv_err err = ike_check_ts(body, &n);

    out->n = 0;
    if (err != CV_OK)
        return err;
    if (n > CV_TS_MAX)
        return CV_ERR_LIMIT;
    while (ike_next_ts(&r, &out->ts[out->n]))
        if (++out->n == n)
            break;
    return CV_OK;
}

void ike_put_ts_body(struct wr *w, const struct cv_ts_list *list)
{
    wr_u8(w, list->n);
    wr_zero(w, 3);
    for (unsigned i = 0; i < list->n; i++) {
        const struct cv_ts *ts = &list->ts[i];
        size_t len = addr_len(ts->family);

        wr_u8(w, ts->family == CV_IPV4 ? TS_IPV4_ADDR_RANGE : TS_IPV6_ADDR_RANGE);
        wr_u8(w, ts->proto);
        wr_u16(w, (uint16_t)(TS_HDR_LEN + TS_PORTS_LEN + 2 * len));
        wr_u16(w, ts->port_lo);
        wr_u16(w, ts->port_hi);
        wr_copy(w, ts->lo, len);
        wr_copy(w, ts->hi, len);
    }
}
