/* RFC 791 section 3.2, the example fragmentation procedure.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/split.h"

#include <string.h>

#include "wire/ip.h"

enum {
    IP4_FRAG_AT = 6,
    IP4_MF = 0x2000,
    IP4_OFFSET = 0x1fff,
    UNIT = 8, /* octets that an offset counts */
    IP4_HDR_MAX = 60,
    OPT_END = 0,
    OPT_NOP = 1,
    OPT_COPIED = 0x80
};

/* The header of a later fragment: of the options only those that say so (section 3.1).  Returns
 * its length; 0: the options lie. */
static size_t put_later_header(uint8_t out[IP4_HDR_MAX], struct cv_span header)
{
    struct rd r = rd_init(header);
    struct wr w = wr_init(out, IP4_HDR_MAX);

    wr_span(&w, rd_take(&r, IP4_HDR_LEN));
    while (rd_left(&r) > 0) {
        const uint8_t type = rd_u8(&r);
        struct cv_span data;
        uint8_t len;

        if (type == OPT_END)
            break;
        if (type == OPT_NOP)
            continue;
        len = rd_u8(&r);
        data = rd_take(&r, len - 2U); /* a length below 2 becomes one that cannot fit */
        if (!rd_ok(&r))
            return 0;
        if (type & OPT_COPIED) {
            wr_u8(&w, type);
            wr_u8(&w, len);
            wr_span(&w, data);
        }
    }
    wr_zero(&w, (0 - w.n) & 3);
    wr_patch_u8(&w, 0, (uint8_t)(4 << 4 | w.n / 4));
    return w.n;
}

static void finish(uint8_t *packet, size_t hdr_len, size_t len, unsigned frag,
                   const struct ip_flow *flow)
{
    struct wr w = wr_init(packet, hdr_len);

    wr_reserve(&w, hdr_len);
    wr_patch_u16(&w, IP4_FRAG_AT, (uint16_t)frag);
    ip_patch(packet, len, flow->proto_at, flow->proto);
}

enum cv_err split_first(struct cv_packet *pkt, size_t mtu, struct cv_packet *first)
{
    uint8_t *p = cv_packet_data(pkt), later[IP4_HDR_MAX];
    struct ip_flow f;
    enum cv_err err = ip_parse(&f, span(p, pkt->len));
    size_t step, later_len;
    unsigned frag;

    if (err != CV_OK)
        return err;
    if (f.src.family != CV_IPV4 || f.df || mtu < f.hdr_len + UNIT)
        return CV_ERR_TOO_BIG;
    if (f.total_len <= mtu)
        return CV_ERR_ARGUMENT;
    step = (mtu - f.hdr_len) & ~(size_t)(UNIT - 1);
    frag = (unsigned)p[IP4_FRAG_AT] << 8 | p[IP4_FRAG_AT + 1];
    later_len = put_later_header(later, span(p, f.hdr_len));
    if (later_len == 0 || (frag & IP4_OFFSET) + step / UNIT > IP4_OFFSET)
        return CV_ERR_MALFORMED;
    if (first->off > first->cap || first->cap - first->off < f.hdr_len + step)
        return CV_ERR_NO_ROOM;
    memcpy(cv_packet_data(first), p, f.hdr_len + step);
    first->len = f.hdr_len + step;
    finish(cv_packet_data(first), f.hdr_len, first->len, frag | IP4_MF, &f);
    pkt->off += f.hdr_len + step - later_len;
    pkt->len = f.total_len - (f.hdr_len + step - later_len);
    memcpy(cv_packet_data(pkt), later, later_len);
    finish(cv_packet_data(pkt), later_len, pkt->len, frag + (unsigned)(step / UNIT), &f);
    return CV_OK;
}
