/* ESP packets against a data plane of two pairs with known keys.
 *
 * The input is a list of steps (see enum step), each with its arguments:
 *   RAW        a packet as the network may bring it
 *   AUTHENTIC  octets that we seal as the peer would, padding and all
 *   TAMPERED   the same with one octet changed afterwards
 *   LOOP       an inner packet through ipsec_out and back in
 * The model knows which sequence numbers were accepted; the plane must agree, and must
 * not move for anything that is not authentic.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdalign.h>

#include "crypto/crypto.h"
#include "fuzz.h"
#include "ipsec/ipsec.h"
#include "wire/ip.h"

enum {
    STEPS_MAX = 32,
    PACKET_MAX = 2048,
    ROOM = PACKET_MAX - CV_HEADROOM - CV_TAILROOM,
    SPI_LOOP = 0x1001,
    SPI_PEER = 0x2002,
    WINDOW = 64,
    SEQ_MAX = 1024 /* of AUTHENTIC steps */
};

enum step { RAW, AUTHENTIC, TAMPERED, LOOP, STEP_KINDS };

enum pair_index { PAIR_LOOP, PAIR_PEER, PAIRS };

static const uint8_t key[64] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};

/* What LOOP runs with; AUTHENTIC is always the first. */
static const struct cv_suite suites[] = {
    {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128},
    {.encr = CV_ENCR_AES_GCM_16, .encr_bits = 128, .esn = CV_ESN_YES},
    {.encr = CV_ENCR_CHACHA20_POLY1305                         },
    {.encr = CV_ENCR_AES_CBC,    .encr_bits = 256,          .integ = CV_INTEG_HMAC_SHA2_256_128},
    {.encr = CV_ENCR_NULL,                          .integ = CV_INTEG_HMAC_SHA2_256_128},
};

struct bench {
    struct ipsec *plane;
    uint32_t newest; /* of AUTHENTIC */
    bool accepted[SEQ_MAX];
    uint8_t buf[PACKET_MAX];
};

static struct cv_ts_list everything(void)
{
    struct cv_ts_list list = {
        .n = 2, .ts = {{.family = CV_IPV4}, {.family = CV_IPV6}}
    };

    for (unsigned i = 0; i < list.n; i++) {
        list.ts[i].port_hi = UINT16_MAX;
        memset(list.ts[i].hi, 0xff, addr_len(list.ts[i].family));
    }
    return list;
}

static struct cv_ts_list net_10(void)
{
    return (struct cv_ts_list){
        .n = 1,
        .ts =
            {{.family = CV_IPV4, .port_hi = UINT16_MAX, .lo = {10}, .hi = {10, 255, 255, 255}}},
    };
}

static void install(struct ipsec *plane, enum pair_index i, uint32_t spi,
                    const struct cv_suite *suite, const struct cv_ts_list *ts)
{
    const size_t n = ipsec_key_len(&cv_crypto_openssl, suite);
    const struct cv_addr gateway = {
        CV_IPV4, {192, 0, 2, 1}
    };
    struct cv_pair_config cfg = {
        .id = i + 1U,
        .spi_in = spi,
        .spi_out = spi,
        .protocol = CV_PROTO_ESP,
        .mode = CV_TUNNEL,
        .suite = *suite,
        .key_in = span(key, n),
        .key_out = span(key, n),
        .local_ts = *ts,
        .remote_ts = *ts,
        .local = {gateway, 4500},
        .remote = {gateway, 4500},
        .encap = true,
        .replay_window = WINDOW,
    };

    FUZZ_CHECK(n > 0 && n <= sizeof(key));
    FUZZ_CHECK(ipsec_install(plane, i, &cfg, 0) == CV_OK);
    if (i == PAIR_LOOP)
        ipsec_use_out(plane, i);
}

static struct ipsec *new_plane(const struct cv_suite *loop_suite)
{
    static alignas(max_align_t) uint8_t memory[64 * 1024];
    const uint64_t seed[2] = {1, 2};
    struct cv_ts_list all = everything(), ten = net_10();
    struct arena a = {.p = memory, .cap = sizeof(memory)};
    struct ipsec *plane = ipsec_init(&a, PAIRS, 0, &cv_crypto_openssl, seed);

    FUZZ_CHECK(plane != NULL);
    install(plane, PAIR_LOOP, SPI_LOOP, loop_suite, &all);
    install(plane, PAIR_PEER, SPI_PEER, &suites[0], &ten);
    return plane;
}

/* A packet of body in the bench's buffer. */
static struct cv_packet packet_of(struct bench *b, struct cv_span body)
{
    struct cv_packet pkt = {
        .buf = b->buf,
        .cap = sizeof(b->buf),
        .off = CV_HEADROOM,
        .len = body.n < ROOM ? body.n : ROOM,
        .carrier = CV_UDP_4500,
        .remote = {{CV_IPV4, {203, 0, 113, 9}}, 61000}
    };

    if (pkt.len > 0)
        memcpy(cv_packet_data(&pkt), body.p, pkt.len);
    return pkt;
}

static uint64_t packets_in(const struct bench *b)
{
    return ipsec_counters(b->plane, PAIR_LOOP)->packets_in +
           ipsec_counters(b->plane, PAIR_PEER)->packets_in;
}

/* Hands in what cannot be authentic. */
static void expect_drop(struct bench *b, struct cv_packet *pkt)
{
    const uint64_t before = packets_in(b);
    struct ipsec_way way;

    ipsec_in(b->plane, pkt, 1, &way);
    FUZZ_CHECK(pkt->verdict == CV_DROP && pkt->err != CV_OK);
    FUZZ_CHECK(way.n == 0 || (way.notices[0] & ~(unsigned)CV_NOTICE_ALARM) == 0);
    FUZZ_CHECK(packets_in(b) == before);
}

/* Seals body, trailer included, as the peer of PAIR_PEER would. */
static struct cv_packet seal(struct bench *b, uint32_t seq, struct cv_span body)
{
    const struct cv_aead *aead = crypto_aead(&cv_crypto_openssl, CV_ENCR_AES_GCM_16, 128);
    const size_t n = body.n < ROOM - 64 ? body.n : ROOM - 64;
    uint8_t nonce[12] = {0};
    struct cv_packet pkt = packet_of(b, span(NULL, 0));
    struct wr w = wr_init(cv_packet_data(&pkt), ROOM);
    uint8_t *data, *icv;
    void *aead_key = aead->new_key(key);

    FUZZ_CHECK(aead_key != NULL);
    wr_u32(&w, SPI_PEER);
    wr_u32(&w, seq);
    wr_u64(&w, seq);
    memcpy(nonce, key + aead->key_len, aead->salt_len);
    memcpy(nonce + 4, w.p + 8, 8);
    data = wr_reserve(&w, n);
    if (n > 0)
        memcpy(data, body.p, n);
    icv = wr_reserve(&w, aead->icv_len);
    FUZZ_CHECK(wr_ok(&w));
    FUZZ_CHECK(aead->seal(aead_key, nonce, span(w.p, 8), data, n, icv));
    aead->free_key(aead_key);
    pkt.len = w.n;
    return pkt;
}

static bool is_in_10(const struct cv_addr *a)
{
    return a->family == CV_IPV4 && a->b[0] == 10;
}

static void step_authentic(struct bench *b, uint32_t seq, struct cv_span body)
{
    struct cv_packet pkt = seal(b, seq, body);
    const bool aligned = body.n >= 2 && body.n % 4 == 0 && body.n <= ROOM - 64;
    const bool fresh =
        seq != 0 && !b->accepted[seq] && (seq > b->newest || b->newest - seq < WINDOW);
    const uint64_t before = packets_in(b);
    struct ip_flow flow;
    struct ipsec_way way;

    ipsec_in(b->plane, &pkt, 1, &way);
    if (aligned)
        FUZZ_CHECK((packets_in(b) == before + 1) == fresh);
    if (packets_in(b) == before) {
        FUZZ_CHECK(pkt.verdict == CV_DROP);
        return;
    }
    FUZZ_CHECK(fresh && way.pair[0] == PAIR_PEER);
    b->accepted[seq] = true;
    if (seq > b->newest)
        b->newest = seq;
    if (pkt.verdict != CV_DELIVER)
        return;
    FUZZ_CHECK(pkt.off + pkt.len <= pkt.cap);
    FUZZ_CHECK(ip_parse(&flow, span(cv_packet_data(&pkt), pkt.len)) == CV_OK);
    FUZZ_CHECK(flow.total_len == pkt.len);
    FUZZ_CHECK(is_in_10(&flow.src) && is_in_10(&flow.dst));
}

static void step_tampered(struct bench *b, uint32_t seq, struct cv_span body, uint16_t at,
                          uint8_t change)
{
    struct cv_packet pkt = seal(b, seq, body);

    cv_packet_data(&pkt)[at % pkt.len] ^= change != 0 ? change : 1;
    expect_drop(b, &pkt);
}

/* What goes out comes back the same, but for ECN, which both ends left alone; unless nobody
 * can be its source. */
static void step_loop(struct bench *b, struct cv_span inner)
{
    struct cv_packet pkt = packet_of(b, inner);
    struct ip_flow flow;
    struct ipsec_way way;

    ipsec_out(b->plane, &pkt, 1, &way);
    if (pkt.verdict != CV_TRANSMIT)
        return;
    FUZZ_CHECK(ip_parse(&flow, inner) == CV_OK);
    FUZZ_CHECK(way.pair[0] == PAIR_LOOP && pkt.carrier == CV_UDP_4500);
    FUZZ_CHECK(pkt.len > flow.total_len);
    ipsec_in(b->plane, &pkt, 2, &way);
    if (pkt.err == CV_ERR_INNER_SOURCE) {
        FUZZ_CHECK(addr_is_zero(&flow.src) || addr_is_loopback(&flow.src) ||
                   addr_is_group(&flow.src));
        return;
    }
    FUZZ_CHECK(pkt.verdict == CV_DELIVER && way.pair[0] == PAIR_LOOP);
    FUZZ_CHECK(pkt.len == flow.total_len);
    FUZZ_CHECK(memcmp(cv_packet_data(&pkt), inner.p, pkt.len) == 0);
}

static void step(struct bench *b, struct rd *r)
{
    enum step kind = rd_u8(r) % STEP_KINDS;
    uint32_t seq = rd_u16(r) % SEQ_MAX;
    uint16_t at = rd_u16(r);
    uint8_t change = rd_u8(r);
    size_t len = rd_u16(r);
    struct cv_span body = rd_take(r, len < rd_left(r) ? len : rd_left(r));
    struct cv_packet pkt;

    switch (kind) {
    case RAW:
        pkt = packet_of(b, body);
        pkt.carrier = change & 3;
        expect_drop(b, &pkt);
        break;
    case AUTHENTIC:
        step_authentic(b, seq, body);
        break;
    case TAMPERED:
        step_tampered(b, seq, body, at, change);
        break;
    default:
        step_loop(b, body);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct bench b;
    struct rd r = rd_init(span(data, n));

    b = (struct bench){
        .plane = new_plane(&suites[rd_u8(&r) % (sizeof(suites) / sizeof(suites[0]))])};
    for (unsigned i = 0; i < STEPS_MAX && rd_left(&r) > 0; i++)
        step(&b, &r);
    ipsec_close(b.plane);
    return 0;
}
