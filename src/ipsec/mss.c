/* The option of kind 2 in a SYN, RFC 9293 section 3.1.  Options that lie end the search and
 * the packet passes as it is: it is not ours to judge.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "ipsec/mss.h"

enum {
    TCP_LEN = 20,
    TCP_OFFSET_AT = 12,
    TCP_FLAGS_AT = 13,
    TCP_SUM_AT = 16,
    TCP_SYN = 2,
    OPT_END = 0,
    OPT_NOP = 1,
    OPT_MSS = 2,
    OPT_MSS_LEN = 4
};

static unsigned get_u16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* Writes v at p and brings the checksum along (RFC 1624, equation 3).  odd: p is at an odd
 * offset, where the octets of a word stand the other way round. */
static void set_u16(uint8_t *p, unsigned v, uint8_t *checksum, bool odd)
{
    const unsigned was = get_u16(p);
    unsigned sum = ~get_u16(checksum) & 0xffff;

    sum += odd ? (~was & 0xffff) >> 8 | (~was & 0xff) << 8 : ~was & 0xffff;
    sum += odd ? v >> 8 | (v & 0xff) << 8 : v;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    p[0] = (uint8_t)(v >> 8 & 0xff);
    p[1] = (uint8_t)(v & 0xff);
    checksum[0] = (uint8_t)(~sum >> 8 & 0xff);
    checksum[1] = (uint8_t)(~sum & 0xff);
}

/* Where in a TCP header the MSS is; 0: nowhere. */
static size_t find_mss(const uint8_t *tcp, size_t n)
{
    struct rd r = rd_init(span(tcp, n));

    rd_take(&r, TCP_LEN);
    while (rd_left(&r) > 0) {
        const uint8_t kind = rd_u8(&r);
        size_t len;

        if (kind == OPT_END)
            return 0;
        if (kind == OPT_NOP)
            continue;
        len = rd_u8(&r);
        if (kind == OPT_MSS)
            return len == OPT_MSS_LEN && rd_left(&r) >= 2 ? n - rd_left(&r) : 0;
        rd_take(&r, len - 2); /* a length below 2 becomes one that cannot fit */
    }
    return 0;
}

void mss_clamp(uint8_t *packet, const struct ip_flow *flow, size_t mtu, size_t mss)
{
    const size_t heads = ip_head_len(flow->src.family) + TCP_LEN;
    const size_t n = flow->total_len - flow->hdr_len;
    uint8_t *tcp = packet + flow->hdr_len;
    size_t at, hdr_len;

    if (flow->proto != IPPROTO_NUM_TCP || !flow->ports_known || n < TCP_LEN ||
        (tcp[TCP_FLAGS_AT] & TCP_SYN) == 0)
        return;
    hdr_len = (size_t)(tcp[TCP_OFFSET_AT] >> 4) * 4;
    if (hdr_len < TCP_LEN || hdr_len > n)
        return;
    if (mtu > heads && mtu - heads < mss)
        mss = mtu - heads;
    at = find_mss(tcp, hdr_len);
    if (at != 0 && get_u16(tcp + at) > mss)
        set_u16(tcp + at, (unsigned)mss, tcp + TCP_SUM_AT, at % 2 != 0);
}
