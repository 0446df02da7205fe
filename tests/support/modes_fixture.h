/* Two data planes back to back, left and right, with one pair each of any protocol, mode,
 * family and suite.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_MODES_FIXTURE_H
#define TESTS_MODES_FIXTURE_H

#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"

enum { PAIR = 0, MEM_LEN = 32768, LEFT_SPI = 0x0d000001, RIGHT_SPI = 0x6a000001 };

static const uint64_t SEED[2] = {1, 2};

/* clang-format off */
static const struct named_suite ah_suites[] = {
    {"MD5",     {.integ = CV_INTEG_HMAC_MD5_96},       16},
    {"SHA-1",   {.integ = CV_INTEG_HMAC_SHA1_96},      20},
    {"XCBC",    {.integ = CV_INTEG_AES_XCBC_96},       16},
    {"CMAC",    {.integ = CV_INTEG_AES_CMAC_96},       16},
    {"SHA-256", {.integ = CV_INTEG_HMAC_SHA2_256_128}, 32},
    {"SHA-384", {.integ = CV_INTEG_HMAC_SHA2_384_192}, 48},
    {"SHA-512", {.integ = CV_INTEG_HMAC_SHA2_512_256}, 64},
    {"GMAC-128", {.integ = CV_INTEG_AES_128_GMAC}, 20},
    {"GMAC-192", {.integ = CV_INTEG_AES_192_GMAC}, 28},
    {"GMAC-256", {.integ = CV_INTEG_AES_256_GMAC}, 36},
};
/* clang-format on */

enum { N_AH_SUITES = sizeof(ah_suites) / sizeof(ah_suites[0]) };

/* One way of carrying packets. */
struct way {
    uint8_t protocol, mode;
    bool outer6, inner6, encap, esn;
    const struct named_suite *suite;
};

struct side {
    _Alignas(max_align_t) uint8_t mem[MEM_LEN];
    struct ipsec *p;
};

struct fixture {
    struct side left, right;
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt;
    struct ipsec_way way;
};

static inline struct cv_addr outer_ip(const struct way *w, bool right)
{
    return w->outer6 ? ip6(9, right ? 2 : 1) : ip4(192, 0, 2, right ? 2 : 1);
}

static inline struct cv_addr inner_ip(const struct way *w, bool right)
{
    if (w->mode == CV_TRANSPORT)
        return outer_ip(w, right);
    return w->inner6 ? ip6(1, right ? 2 : 1) : ip4(10, 0, 0, right ? 2 : 1);
}

static inline struct cv_pair_config config(const struct way *w, bool right)
{
    return (struct cv_pair_config){
        .id = right ? 2 : 1,
        .spi_in = right ? RIGHT_SPI : LEFT_SPI,
        .spi_out = right ? LEFT_SPI : RIGHT_SPI,
        .protocol = w->protocol,
        .mode = w->mode,
        .suite = w->suite->suite,
        .key_in = span(keymat[right], w->suite->key_len),
        .key_out = span(keymat[!right], w->suite->key_len),
        .local_ts = ts_one(ts_host(inner_ip(w, right))),
        .remote_ts = ts_one(ts_host(inner_ip(w, !right))),
        .local = {outer_ip(w, right),  4500},
        .remote = {outer_ip(w, !right), 4500},
        .encap = w->encap,
        .replay_window = 64,
    };
}

static inline void init_side(struct side *s, const struct cv_pair_config *cfg)
{
    struct arena a = {.p = s->mem, .cap = sizeof(s->mem)};

    memset(s->mem, 0, sizeof(s->mem));
    s->p = ipsec_init(&a, 1, 0, &cv_crypto_openssl, SEED);
    assert_non_null(s->p);
    assert_int_equal(ipsec_install(s->p, PAIR, cfg, 0), CV_OK);
    ipsec_use_out(s->p, PAIR);
}

static inline struct fixture *fresh(struct fixture *f, const struct way *w)
{
    struct cv_pair_config left = config(w, false), right = config(w, true);

    left.suite.esn = right.suite.esn = w->esn;
    init_side(&f->left, &left);
    init_side(&f->right, &right);
    return f;
}

static inline void done(struct fixture *f)
{
    ipsec_close(f->left.p);
    ipsec_close(f->right.p);
}

static inline enum cv_err send_left(struct fixture *f)
{
    const struct cv_endpoint none = {0};

    ipsec_out(f->left.p, &f->pkt, 1000, &f->way);
    if (f->pkt.err != CV_OK)
        return f->pkt.err;
    assert_int_equal(f->pkt.verdict, CV_TRANSMIT);
    assert_false(endpoint_equal(&f->pkt.remote, &none));
    return CV_OK;
}

/* As the network brings it to the other side. */
static inline enum cv_err receive_right(struct fixture *f)
{
    const struct cv_endpoint from = f->pkt.local;

    f->pkt.local = f->pkt.remote;
    f->pkt.remote = from;
    ipsec_in(f->right.p, &f->pkt, 2000, &f->way);
    return f->pkt.err;
}

/* f->pkt becomes a UDP packet from left to right with a checksum that is right. */
static inline void make_packet(struct fixture *f, const struct way *w, size_t n)
{
    const struct cv_addr src = inner_ip(w, false), dst = inner_ip(w, true);
    const size_t len = make_udp(f->buf + CV_HEADROOM, src, dst, 40000, 1883, n);
    const size_t head = ip_head_len(src.family);
    uint8_t *udp = f->buf + CV_HEADROOM + head;
    const uint16_t sum = ip_upper_checksum(&src, &dst, IPPROTO_NUM_UDP, span(udp, len - head));

    udp[6] = (uint8_t)(sum >> 8);
    udp[7] = (uint8_t)sum;
    f->pkt = packet_in(f->buf, len);
}

static inline bool upper_checksum_is_right(const struct cv_packet *pkt)
{
    const struct cv_span packet = span(cv_packet_data(pkt), pkt->len);
    struct ip_flow flow;

    assert_int_equal(ip_parse(&flow, packet), CV_OK);
    assert_int_equal(flow.total_len, pkt->len);
    return ip_upper_checksum(&flow.src, &flow.dst, flow.proto,
                             span(packet.p + flow.hdr_len, packet.n - flow.hdr_len)) == 0;
}

#endif
