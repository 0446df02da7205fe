/* The data plane behind its authentication: ESP and AH, tunnel and transport mode, every pair
 * of families, in UDP and not, with and without extended numbers.  With weak_crypto.h whatever
 * has an SA's SPI and a fresh number is authentic, so every step reaches the code that a
 * hostile peer with the right keys reaches.
 *
 * Nested pairs travel in the first tunnel.
 *
 * The input: the pair that sends, then a list of steps (see enum step).  The model knows which
 * numbers were accepted; what is delivered must be IP of its own length within the pair's
 * selectors, and what the plane sends its mirror delivers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdalign.h>

#include "fuzz.h"
#include "ipsec/esp.h"
#include "ipsec/ipsec.h"
#include "weak_crypto.h"
#include "wire/ah_hdr.h"
#include "wire/ip.h"

enum {
    STEPS_MAX = 24,
    HEADROOM = 2 * CV_HEADROOM, /* for an SA in an SA */
    PACKET_MAX = 2048,
    SPI = 0x1000, /* of pair 0; the others follow */
    WINDOW = 64,
    SEQ_MAX = 1024
};

/* PEER: octets that the pair's peer has protected; RAW: whatever the network brings, on any
 * carrier; OUT: an inner packet, through the plane and its mirror; CLEAR: a packet that nobody
 * protected; ICMP: what a router may say. */
enum step { PEER, RAW, OUT, CLEAR, ICMP, STEP_KINDS };

enum side { HERE, THERE };

struct kind {
    uint8_t protocol, mode, family; /* of the outer addresses */
    bool encap, esn, nested;
};

static const struct kind kinds[] = {
    {CV_PROTO_ESP, CV_TUNNEL,    CV_IPV4, true,  false, false},
    {CV_PROTO_ESP, CV_TUNNEL,    CV_IPV6, false, true,  false},
    {CV_PROTO_ESP, CV_TRANSPORT, CV_IPV4, false, true,  false},
    {CV_PROTO_ESP, CV_TRANSPORT, CV_IPV4, true,  false, false},
    {CV_PROTO_ESP, CV_TRANSPORT, CV_IPV6, true,  true,  false},
    {CV_PROTO_AH,  CV_TUNNEL,    CV_IPV4, false, false, false},
    {CV_PROTO_AH,  CV_TUNNEL,    CV_IPV6, false, true,  false},
    {CV_PROTO_AH,  CV_TRANSPORT, CV_IPV4, false, true,  false},
    {CV_PROTO_AH,  CV_TRANSPORT, CV_IPV6, false, false, false},
    {CV_PROTO_AH,  CV_TUNNEL,    CV_IPV4, false, false, true },
    {CV_PROTO_ESP, CV_TRANSPORT, CV_IPV4, false, false, true },
};

enum { PAIRS = sizeof(kinds) / sizeof(kinds[0]), TUNNEL_PAIR = 0, MSS_PAIR = 1 };

/* Numbers are counted from a base: with ESN they pass 2^32 on the way. */
struct model {
    bool lost; /* a number was accepted that the model does not know */
    uint32_t newest;
    bool accepted[SEQ_MAX];
};

struct bench {
    struct ipsec *plane[2];
    struct model model[PAIRS];
};

static uint64_t seq_base(const struct kind *k)
{
    return k->esn ? UINT32_MAX - (uint64_t)SEQ_MAX / 2 : 0;
}

/* ---- the planes ---- */

/* A nested pair's packets travel in a tunnel. */
static struct cv_addr outer_addr(const struct kind *k, enum side side)
{
    const uint8_t host = (uint8_t)(side + 1);

    if (k->family == CV_IPV6)
        return (struct cv_addr){
            CV_IPV6, {0x20, 1, [15] = host}
        };
    if (k->nested)
        return (struct cv_addr){
            CV_IPV4, {10, 0, 0, host}
        };
    return (struct cv_addr){
        CV_IPV4, {192, 0, 2, host}
    };
}

/* Tunnels carry 10/8 and 2001::/16, a transport mode pair its own addresses. */
static struct cv_ts_list selectors(const struct kind *k, enum side side)
{
    const struct cv_addr host = outer_addr(k, side);
    struct cv_ts one = {.family = k->family, .port_hi = UINT16_MAX};

    memcpy(one.lo, host.b, sizeof(one.lo));
    memcpy(one.hi, host.b, sizeof(one.hi));
    if (k->mode == CV_TRANSPORT)
        return (struct cv_ts_list){1, {one}};
    return (struct cv_ts_list){
        2,
        {{.family = CV_IPV4, .port_hi = UINT16_MAX, .lo = {10}, .hi = {10, 255, 255, 255}},
          {.family = CV_IPV6,
          .port_hi = UINT16_MAX,
          .lo = {0x20, 1},
          .hi = {0x20, 1, [2] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                 255}}}
    };
}

static void install(struct ipsec *plane, uint32_t i, enum side side)
{
    const struct kind *k = &kinds[i];
    const bool ah = k->protocol == CV_PROTO_AH;
    const struct cv_pair_config cfg = {
        .id = i + 1,
        .spi_in = SPI + i,
        .spi_out = SPI + i,
        .protocol = k->protocol,
        .mode = k->mode,
        .suite = {.encr = ah ? 0 : CV_ENCR_NULL,
                  .integ = CV_INTEG_HMAC_SHA1_96,
                  .esn = k->esn ? CV_ESN_YES : CV_ESN_NO       },
        .key_in = {&some_key,                     1},
        .key_out = {&some_key,                            1 },
        .local_ts = selectors(k, side),
        .remote_ts = selectors(k, side == HERE ? THERE : HERE),
        .local = {outer_addr(k,                         side),                          4500           },
        .remote = {outer_addr(k,                         side == HERE ? THERE : HERE),                          4500},
        .encap = k->encap,
        .nested = k->nested,
        .replay_window = WINDOW,
        .mtu = i % 2 ? 1400 : 0,
        .mss = i == MSS_PAIR ? UINT16_MAX : 0,
    };

    FUZZ_CHECK(ipsec_install(plane, i, &cfg, 0) == CV_OK);
    ipsec_restore(plane, i, seq_base(k), seq_base(k), NULL, 0);
}

static void open_planes(struct bench *b)
{
    static alignas(max_align_t) uint8_t memory[2][64 * 1024];
    const uint64_t seed[2] = {1, 2};

    for (unsigned side = HERE; side <= THERE; side++) {
        struct arena a = {.p = memory[side], .cap = sizeof(memory[side])};

        b->plane[side] = ipsec_init(&a, PAIRS, 0, &weak, seed);
        FUZZ_CHECK(b->plane[side] != NULL);
        for (uint32_t i = 0; i < PAIRS; i++)
            install(b->plane[side], i, side);
    }
}

static uint64_t count_in(const struct bench *b, enum side side, uint32_t i)
{
    return ipsec_counters(b->plane[side], i)->packets_in;
}

static uint64_t all_in(const struct bench *b, enum side side)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < PAIRS; i++)
        n += count_in(b, side, i);
    return n;
}

/* ---- packets ---- */

/* The octets in a buffer of their own that ends with them, or with room behind. */
static struct cv_packet load(struct cv_span s, size_t tail)
{
    struct cv_packet pkt = {.cap = HEADROOM + s.n + tail, .off = HEADROOM, .len = s.n};

    pkt.buf = malloc(pkt.cap);
    FUZZ_CHECK(pkt.buf != NULL);
    if (s.n > 0)
        memcpy(cv_packet_data(&pkt), s.p, s.n);
    return pkt;
}

static void put_checksum(uint8_t *at, struct cv_span over)
{
    uint16_t sum;

    at[0] = at[1] = 0;
    sum = ip_checksum(over);
    at[0] = (uint8_t)(sum >> 8);
    at[1] = (uint8_t)(sum & 0xff);
}

/* Gives an IPv4 header, and an ICMP message behind it, the checksum that lets it pass. */
static void mend_checksums(uint8_t *p, size_t n)
{
    const size_t hdr = n == 0 ? 0 : (size_t)(p[0] & 0x0f) * 4;

    if (n < IP4_HDR_LEN || p[0] >> 4 != 4 || hdr < IP4_HDR_LEN || hdr > n)
        return;
    put_checksum(p + 10, span(p, hdr));
    if (p[9] == IPPROTO_NUM_ICMP && n - hdr >= 8)
        put_checksum(p + hdr + 2, span(p + hdr, n - hdr));
}

static void put_icv(struct wr *w, uint64_t seq)
{
    wr_u32(w, (uint32_t)(seq >> 32));
    wr_zero(w, ICV_LEN - HIGH_LEN);
}

/* Body, trailer and all, as ESP with an ICV that passes. */
static size_t put_esp(struct wr *w, uint32_t i, uint64_t seq, struct cv_span body)
{
    wr_u32(w, SPI + i);
    wr_u32(w, (uint32_t)(seq & UINT32_MAX));
    wr_span(w, body);
    put_icv(w, seq);
    return ESP_HDR_LEN;
}

/* Body behind an AH in an IP packet; its first octet is the next header. */
static size_t put_ah(struct wr *w, uint32_t i, uint64_t seq, struct cv_span body)
{
    const uint8_t family = kinds[i].family;
    const size_t n = ip_head_len(family), len = AH_FIXED_LEN + ICV_LEN;
    const struct ip_head head = {.src = outer_addr(&kinds[i], THERE),
                                 .dst = outer_addr(&kinds[i], HERE),
                                 .proto = IPPROTO_NUM_AH,
                                 .ttl = 64};
    struct rd r = rd_init(body);
    struct ah_header ah = {.next = rd_u8(&r), .len = len, .spi = SPI + i};
    uint8_t *icv;

    ah.seq_low = (uint32_t)(seq & UINT32_MAX);
    body = rd_rest(&r);
    ip_put_head(wr_reserve(w, n), &head, len + body.n);
    ah_put(w, &ah);
    icv = w->p + w->n - ICV_LEN;
    put_icv(&(struct wr){.p = icv, .cap = ICV_LEN}, seq);
    wr_span(w, body);
    return n + len;
}

static struct cv_packet protect(uint32_t i, uint64_t seq, struct cv_span body, bool mend)
{
    const bool ah = kinds[i].protocol == CV_PROTO_AH;
    uint8_t octets[PACKET_MAX + 256];
    struct wr w = wr_init(octets, sizeof(octets));
    const size_t at = ah ? put_ah(&w, i, seq, body) : put_esp(&w, i, seq, body);
    struct cv_packet pkt;

    FUZZ_CHECK(wr_ok(&w));
    if (mend && kinds[i].mode == CV_TUNNEL)
        mend_checksums(octets + at, w.n - at - (ah ? 0 : ICV_LEN));
    pkt = load(wr_done(&w), 0);
    pkt.carrier = ah ? CV_RAW_AH : kinds[i].encap ? CV_UDP_4500 : CV_RAW_ESP;
    pkt.local = (struct cv_endpoint){outer_addr(&kinds[i], HERE), 4500};
    pkt.remote = (struct cv_endpoint){outer_addr(&kinds[i], THERE), 4500};
    return pkt;
}

/* ---- what must hold ---- */

static void check_upper_checksum(const struct cv_packet *pkt, const struct ip_flow *flow)
{
    const struct cv_span upper =
        span(cv_packet_data(pkt) + flow->hdr_len, flow->total_len - flow->hdr_len);
    const bool udp = flow->proto == IPPROTO_NUM_UDP;

    if (upper.n < 20 || (flow->proto != IPPROTO_NUM_TCP && !udp) ||
        (udp && flow->src.family == CV_IPV4 && (upper.p[6] | upper.p[7]) == 0))
        return;
    FUZZ_CHECK(ip_upper_checksum(&flow->src, &flow->dst, flow->proto, upper) == 0);
}

static bool selected(const struct cv_ts_list *list, const struct cv_addr *a)
{
    for (unsigned i = 0; i < list->n; i++)
        if (list->ts[i].family == a->family &&
            memcmp(a->b, list->ts[i].lo, addr_len(a->family)) >= 0 &&
            memcmp(a->b, list->ts[i].hi, addr_len(a->family)) <= 0)
            return true;
    return false;
}

static void check_delivered(const struct cv_packet *pkt, uint32_t i, enum side side)
{
    const struct cv_ts_list ours = selectors(&kinds[i], side),
                            theirs = selectors(&kinds[i], side == HERE ? THERE : HERE);
    struct ip_flow flow;

    FUZZ_CHECK(pkt->err == CV_OK && pkt->off <= pkt->cap && pkt->len <= pkt->cap - pkt->off);
    FUZZ_CHECK(ip_parse(&flow, span(cv_packet_data(pkt), pkt->len)) == CV_OK);
    FUZZ_CHECK(flow.total_len == pkt->len);
    FUZZ_CHECK(selected(&theirs, &flow.src) && selected(&ours, &flow.dst));
    if (kinds[i].mode == CV_TRANSPORT && pkt->carrier == CV_UDP_4500)
        check_upper_checksum(pkt, &flow);
}

/* Nested pairs are reached through a tunnel, others from the network alone. */
static struct ipsec_way take(struct bench *b, enum side side, struct cv_packet *pkt)
{
    const uint64_t before = all_in(b, side);
    struct ipsec_way way;

    ipsec_in(b->plane[side], pkt, 1, &way);
    FUZZ_CHECK(way.n <= CV_NESTED_MAX && all_in(b, side) - before <= way.n);
    FUZZ_CHECK((pkt->verdict == CV_DROP) == (pkt->err != CV_OK));
    for (unsigned k = 1; k < way.n; k++)
        FUZZ_CHECK(kinds[way.pair[k]].nested);
    if (way.n == 0 || kinds[way.pair[0]].nested)
        FUZZ_CHECK(pkt->verdict == CV_DROP && all_in(b, side) == before);
    else if (pkt->verdict == CV_DELIVER)
        check_delivered(pkt, way.pair[way.n - 1], side);
    return way;
}

/* ---- steps ---- */

static void step_peer(struct bench *b, uint32_t i, uint32_t seq, struct cv_span body,
                      uint8_t tos)
{
    struct model *m = &b->model[i];
    struct cv_packet pkt = protect(i, seq_base(&kinds[i]) + seq, body, seq % 2);
    const bool whole = kinds[i].protocol == CV_PROTO_AH || body.n >= ESP_TRAILER_LEN;
    const bool fresh =
        seq != 0 && !m->accepted[seq] && (seq > m->newest || m->newest - seq < WINDOW);
    const uint64_t before = count_in(b, HERE, i);
    bool accepted;

    pkt.tos = tos;
    (void)take(b, HERE, &pkt);
    accepted = count_in(b, HERE, i) != before;
    FUZZ_CHECK(m->lost || accepted == (fresh && whole && !kinds[i].nested));
    if (accepted) {
        m->accepted[seq] = true;
        m->newest = seq > m->newest ? seq : m->newest;
    }
    free(pkt.buf);
}

static void step_raw(struct bench *b, uint8_t carrier, struct cv_span body)
{
    struct cv_packet pkt = load(body, 0);
    const uint64_t before = all_in(b, HERE);
    struct ipsec_way way;

    pkt.carrier = carrier % (CV_RAW_AH + 1);
    pkt.local.addr = outer_addr(&kinds[carrier / 4 % PAIRS], HERE);
    pkt.remote.addr = outer_addr(&kinds[carrier / 4 % PAIRS], THERE);
    way = take(b, HERE, &pkt);
    if (all_in(b, HERE) != before)
        b->model[way.pair[0]].lost = true;
    free(pkt.buf);
}

/* A tunnel carries all of a packet.  Transport mode may write its headers anew, and the
 * checksum behind them when it was in UDP. */
static void check_same(const struct kind *k, struct cv_span sent, struct cv_span got)
{
    struct ip_flow was, is;

    FUZZ_CHECK(ip_parse(&was, sent) == CV_OK && ip_parse(&is, got) == CV_OK);
    FUZZ_CHECK(was.total_len - was.hdr_len == is.total_len - is.hdr_len);
    if (k->mode == CV_TUNNEL && k != &kinds[MSS_PAIR])
        FUZZ_CHECK(memcmp(sent.p, got.p, is.total_len) == 0);
    else if (k->mode == CV_TRANSPORT && !k->encap)
        FUZZ_CHECK(
            memcmp(sent.p + was.hdr_len, got.p + is.hdr_len, is.total_len - is.hdr_len) == 0);
}

static void arrive(struct bench *b, uint32_t i, struct cv_packet *pkt, struct cv_span sent)
{
    const struct cv_endpoint from = pkt->local;
    struct ipsec_way way;

    pkt->local = pkt->remote;
    pkt->remote = from;
    way = take(b, THERE, pkt);
    if (way.n > (kinds[i].nested ? 2U : 1U))
        return; /* sent was one of a nested pair's itself */
    FUZZ_CHECK(way.n > 0 && way.pair[way.n - 1] == i);
    if (pkt->verdict == CV_DELIVER)
        check_same(&kinds[i], sent, span(cv_packet_data(pkt), pkt->len));
    else
        FUZZ_CHECK(pkt->verdict == CV_TAKEN || pkt->err == CV_ERR_MALFORMED ||
                   pkt->err == CV_ERR_NEXT_HEADER);
}

static void step_out(struct bench *b, uint32_t sender, struct cv_span body)
{
    struct cv_packet pkt = load(body, 2 * CV_TAILROOM), sent;
    struct ipsec_way way;

    mend_checksums(cv_packet_data(&pkt), pkt.len);
    sent = load(span(cv_packet_data(&pkt), pkt.len), 0);
    ipsec_out(b->plane[HERE], &pkt, 1, &way);
    if (pkt.verdict == CV_TRANSMIT) {
        FUZZ_CHECK(way.pair[0] == sender || way.pair[0] == TUNNEL_PAIR);
        FUZZ_CHECK(way.n == (kinds[way.pair[0]].nested ? 2 : 1));
        FUZZ_CHECK(pkt.off + pkt.len <= pkt.cap);
        arrive(b, way.pair[0], &pkt, span(cv_packet_data(&sent), sent.len));
    }
    free(pkt.buf);
    free(sent.buf);
}

static void step_clear(struct bench *b, struct cv_span body)
{
    struct cv_packet pkt = load(body, 0);
    uint32_t pair;
    unsigned notices;

    mend_checksums(cv_packet_data(&pkt), pkt.len);
    ipsec_clear(b->plane[HERE], &pkt, 1, &pair, &notices);
    FUZZ_CHECK(pkt.verdict == CV_BYPASS || (pkt.verdict == CV_DROP && pkt.err != CV_OK));
    free(pkt.buf);
}

static void step_icmp(struct bench *b, struct cv_span body)
{
    struct cv_packet pkt = load(body, 0);
    uint32_t pair;

    mend_checksums(cv_packet_data(&pkt), pkt.len);
    if (ipsec_take_icmp(b->plane[HERE], span(cv_packet_data(&pkt), pkt.len), 1, &pair) == CV_OK)
        FUZZ_CHECK(pair < PAIRS && ipsec_inner_mtu(b->plane[HERE], pair) < SIZE_MAX);
    free(pkt.buf);
}

static void step(struct bench *b, uint32_t sender, struct rd *r)
{
    const uint8_t kind = rd_u8(r), which = rd_u8(r);
    const uint32_t seq = rd_u16(r) % SEQ_MAX;
    const size_t len = rd_u16(r);
    size_t n = len < rd_left(r) ? len : rd_left(r);
    const struct cv_span body = rd_take(r, n < PACKET_MAX ? n : PACKET_MAX);
    const uint64_t before = all_in(b, HERE);

    switch (kind % STEP_KINDS) {
    case PEER:
        step_peer(b, which % PAIRS, seq, body, which / PAIRS % 4);
        break;
    case RAW:
        step_raw(b, which, body);
        break;
    case OUT:
        step_out(b, sender, body);
        break;
    case CLEAR:
        step_clear(b, body);
        break;
    default:
        step_icmp(b, body);
        break;
    }
    if (kind % STEP_KINDS >= OUT)
        FUZZ_CHECK(all_in(b, HERE) == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct bench b;
    struct rd r = rd_init(span(data, n));
    const uint32_t sender = rd_u8(&r) % PAIRS;

    b = (struct bench){0};
    open_planes(&b);
    if (kinds[sender].nested)
        ipsec_use_out(b.plane[HERE], TUNNEL_PAIR);
    ipsec_use_out(b.plane[HERE], sender);
    for (unsigned i = 0; i < STEPS_MAX && rd_left(&r) > 0; i++)
        step(&b, sender, &r);
    ipsec_close(b.plane[HERE]);
    ipsec_close(b.plane[THERE]);
    return 0;
}
