/* One SA in any protocol and mode, with weak_crypto.h, so that hostile octets get past
 * authentication.  The input: one octet of flags, then a packet.
 *
 * The packet is opened; then, where it is an IP packet, sealed and opened again; and read as
 * an ICMP message, answered as too big and clamped, and as an SA's packet inside another SA.
 * What is delivered must be IP of its own length, and nothing may be read past the packet,
 * whose buffer ends with it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <culvert/ipsec.h>

#include <stdlib.h>

#include "fuzz.h"
#include "ipsec/mss.h"
#include "ipsec/pmtu.h"
#include "weak_crypto.h"

enum { SPI = 0x1001, PACKET_MAX = 4096 };

static struct cv_sa_config config(uint8_t flags)
{
    static const struct cv_addr a4 =
                                    {
                                        CV_IPV4, {10, 0, 0, 1}
    },
                                b4 = {CV_IPV4, {10, 0, 0, 2}};
    static const struct cv_addr a6 =
                                    {
                                        CV_IPV6, {0x20, 1}
    },
                                b6 = {CV_IPV6, {0x20, 2}};
    const bool ah = flags & 1;

    return (struct cv_sa_config){
        .crypto = &weak,
        .protocol = ah ? CV_PROTO_AH : CV_PROTO_ESP,
        .mode = flags & 2 ? CV_TRANSPORT : CV_TUNNEL,
        .spi = SPI,
        .encr = ah ? 0 : CV_ENCR_NULL,
        .integ = CV_INTEG_HMAC_SHA1_96,
        .key = {&some_key,           1   },
        .esn = flags & 4,
        .local = {flags & 8 ? a6 : a4, 4500},
        .remote = {flags & 8 ? b6 : b4, 4500},
        .encap = !ah && (flags & 16),
        .mtu = flags & 32 ? 1400 : 0,
    };
}

/* The octets in a buffer with head room that ends where they do, or with tail room. */
static struct cv_packet load(struct cv_span s, size_t tail)
{
    struct cv_packet pkt = {.cap = CV_HEADROOM + s.n + tail, .off = CV_HEADROOM, .len = s.n};

    pkt.buf = malloc(pkt.cap);
    FUZZ_CHECK(pkt.buf != NULL);
    if (s.n > 0)
        memcpy(cv_packet_data(&pkt), s.p, s.n);
    return pkt;
}

static void check_delivered(const struct cv_packet *pkt)
{
    struct ip_flow flow;

    if (pkt->verdict != CV_DELIVER)
        return;
    FUZZ_CHECK(pkt->err == CV_OK && pkt->off <= pkt->cap && pkt->len <= pkt->cap - pkt->off);
    FUZZ_CHECK(ip_parse(&flow, span(cv_packet_data(pkt), pkt->len)) == CV_OK);
    FUZZ_CHECK(flow.total_len == pkt->len);
}

static void open_hostile(const struct cv_sa_config *cfg, struct cv_span s)
{
    struct cv_packet pkt = load(s, 0);
    struct cv_sa sa;

    pkt.carrier = cfg->protocol == CV_PROTO_AH ? CV_RAW_AH
                  : cfg->encap                 ? CV_UDP_4500
                                               : CV_RAW_ESP;
    pkt.local = cfg->local;
    pkt.remote = cfg->remote;
    FUZZ_CHECK(cv_sa_init(&sa, cfg) == CV_OK);
    if (cfg->protocol == CV_PROTO_ESP && s.n > ICV_LEN + 4) {
        struct wr w = wr_init(cv_packet_data(&pkt), s.n);

        wr_u32(&w, SPI);
        memset(cv_packet_data(&pkt) + s.n - ICV_LEN, 0, ICV_LEN);
    }
    FUZZ_CHECK((cv_sa_open(&sa, &pkt) == CV_OK) == (pkt.verdict != CV_DROP));
    check_delivered(&pkt);
    cv_sa_close(&sa);
    free(pkt.buf);
}

static void seal_and_open(const struct cv_sa_config *cfg, struct cv_span s)
{
    struct cv_packet pkt = load(s, CV_TAILROOM);
    struct cv_sa out, in;
    struct cv_endpoint from;

    FUZZ_CHECK(cv_sa_init(&out, cfg) == CV_OK && cv_sa_init(&in, cfg) == CV_OK);
    if (cv_sa_seal(&out, &pkt) == CV_OK) {
        FUZZ_CHECK(pkt.off + pkt.len <= pkt.cap);
        from = pkt.local;
        pkt.local = pkt.remote;
        pkt.remote = from;
        FUZZ_CHECK(cv_sa_open(&in, &pkt) == CV_OK || pkt.err == CV_ERR_MALFORMED ||
                   pkt.err == CV_ERR_NEXT_HEADER);
        check_delivered(&pkt);
    }
    cv_sa_close(&out);
    cv_sa_close(&in);
    free(pkt.buf);
}

/* The outer header off and on again. */
static void reenter(struct cv_span s)
{
    struct cv_packet pkt = load(s, 0);
    struct ip_flow flow;

    if (cv_outer_take(&pkt) == CV_OK) {
        const struct cv_endpoint from = pkt.local;

        FUZZ_CHECK(pkt.off + pkt.len <= pkt.cap);
        pkt.local = pkt.remote;
        pkt.remote = from;
        FUZZ_CHECK(cv_outer_put(&pkt) == CV_OK && pkt.len <= s.n);
        FUZZ_CHECK(ip_parse(&flow, span(cv_packet_data(&pkt), pkt.len)) == CV_OK);
    }
    free(pkt.buf);
}

static void look_at(struct cv_span s)
{
    struct cv_packet pkt = load(s, 0);
    struct pmtu_report report;
    struct ip_flow flow;

    if (pmtu_parse(&report, span(cv_packet_data(&pkt), s.n)) == CV_OK)
        FUZZ_CHECK(report.mtu > 0 && report.proto != 0);
    if (ip_parse(&flow, span(cv_packet_data(&pkt), s.n)) == CV_OK)
        mss_clamp(cv_packet_data(&pkt), &flow, 1400, 1200);
    if (pmtu_answer(&pkt, 1300, NULL) == CV_OK)
        check_delivered(&pkt);
    free(pkt.buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct rd r = rd_init(span(data, n < PACKET_MAX ? n : PACKET_MAX));
    const struct cv_sa_config cfg = config(rd_u8(&r));
    const struct cv_span packet = rd_rest(&r);

    open_hostile(&cfg, packet);
    seal_and_open(&cfg, packet);
    reenter(packet);
    look_at(packet);
    return 0;
}
