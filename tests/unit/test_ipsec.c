/* src/ipsec/ipsec.h: the whole data plane, two of them back to back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "ipsec/esp.h"
#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"

enum { N_PAIRS = 4, DEVICE_SPI = 0x0d000001, GATEWAY_SPI = 0x6a000001, MEM_LEN = 8192 };

static const uint64_t SEED[2] = {1, 2};

struct plane {
    _Alignas(max_align_t) uint8_t mem[MEM_LEN];
    size_t used;
    struct ipsec *p;
};

/* A device and its gateway with one pair each, under index 1. */
struct fixture {
    struct plane device, gateway;
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt;
    uint32_t pair;
    unsigned notices;
};

enum { PAIR = 1 };

static struct cv_addr device_ip(bool v6)
{
    return v6 ? ip6(1, 7) : ip4(10, 1, 0, 7);
}

static struct cv_addr broker_ip(bool v6)
{
    return v6 ? ip6(2, 1) : ip4(10, 2, 0, 1);
}

static struct cv_endpoint outer(uint8_t last, uint16_t port)
{
    return (struct cv_endpoint){ip4(192, 0, 2, last), port};
}

static void init_plane(struct plane *pl)
{
    struct arena count = {0}, build = {.p = pl->mem, .cap = sizeof(pl->mem)};

    assert_null(ipsec_init(&count, N_PAIRS, &cv_crypto_openssl, SEED));
    assert_true(count.used <= sizeof(pl->mem));
    pl->p = ipsec_init(&build, N_PAIRS, &cv_crypto_openssl, SEED);
    assert_non_null(pl->p);
    assert_int_equal(build.used, count.used);
    pl->used = build.used;
}

/* side 0: the device; side 1: the gateway, everything mirrored. */
static struct ipsec_config config(unsigned side, const struct named_suite *s)
{
    const struct cv_ts_list device = {
        2, {ts_host(device_ip(false)), ts_host(device_ip(true))}
    };
    const struct cv_ts_list site = {
        2,
        {ts_range(ip4(10, 2, 0, 0), ip4(10, 2, 255, 255)), ts_range(ip6(2, 0), ip6(2, 255))}
    };

    return (struct ipsec_config){
        .id = side == 0 ? 100 : 200,
        .spi_in = side == 0 ? DEVICE_SPI : GATEWAY_SPI,
        .spi_out = side == 0 ? GATEWAY_SPI : DEVICE_SPI,
        .protocol = CV_PROTO_ESP,
        .mode = CV_TUNNEL,
        .suite = s->suite,
        .key_in = span(keymat[side], s->key_len),
        .key_out = span(keymat[1 - side], s->key_len),
        .local_ts = side == 0 ? device : site,
        .remote_ts = side == 0 ? site : device,
        .local = outer(side == 0 ? 10 : 20, 4500),
        .remote = outer(side == 0 ? 20 : 10, 4500),
        .encap = true,
        .replay_window = 1024,
    };
}

static void install(struct plane *pl, const struct ipsec_config *cfg)
{
    assert_int_equal(ipsec_install(pl->p, PAIR, cfg, 1), CV_OK);
    ipsec_use_out(pl->p, PAIR);
}

static void init_planes(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    init_plane(&f->device);
    init_plane(&f->gateway);
}

static struct fixture *fresh(struct fixture *f, unsigned suite)
{
    init_planes(f);
    for (unsigned side = 0; side < 2; side++) {
        const struct ipsec_config cfg = config(side, &suites[suite]);

        install(side == 0 ? &f->device : &f->gateway, &cfg);
    }
    return f;
}

static void done(struct fixture *f)
{
    ipsec_close(f->device.p);
    ipsec_close(f->gateway.p);
}

/* f->pkt becomes a UDP packet from the device to the broker. */
static void make_packet(struct fixture *f, bool v6, size_t n)
{
    f->pkt = packet_in(
        f->buf, make_udp(f->buf + CV_HEADROOM, device_ip(v6), broker_ip(v6), 40000, 1883, n));
}

static enum cv_err send_on(struct fixture *f, struct plane *pl)
{
    ipsec_out(pl->p, &f->pkt, 1000, &f->pair, &f->notices);
    assert_int_equal(f->pkt.verdict, f->pkt.err == CV_OK ? CV_TRANSMIT : CV_DROP);
    return f->pkt.err;
}

static enum cv_err receive_on(struct fixture *f, struct plane *pl)
{
    ipsec_in(pl->p, &f->pkt, 2000, &f->pair, &f->notices);
    return f->pkt.err;
}

/* The network between them: what was sent from local to remote arrives. */
static void carry(struct fixture *f)
{
    const struct cv_endpoint from = f->pkt.local;

    f->pkt.local = f->pkt.remote;
    f->pkt.remote = from;
}

/* One packet from the device, on the wire. */
static void send_packet(struct fixture *f, size_t n)
{
    make_packet(f, false, n);
    assert_int_equal(send_on(f, &f->device), CV_OK);
    carry(f);
}

/* ---- both ways ---- */

static void check_outer(const struct fixture *f, bool encap)
{
    const struct cv_endpoint local = outer(10, encap ? 4500 : 0);
    const struct cv_endpoint remote = outer(20, encap ? 4500 : 0);

    assert_int_equal(f->pkt.carrier, encap ? CV_UDP_4500 : CV_RAW_ESP);
    assert_true(endpoint_equal(&f->pkt.local, &local));
    assert_true(endpoint_equal(&f->pkt.remote, &remote));
    assert_int_equal(f->pkt.child, 100);
    assert_int_equal(f->pair, PAIR);
}

static void try_round_trips(unsigned suite, bool esn, bool encap)
{
    struct fixture room, *f = &room;
    uint8_t want[BUF_LEN];

    init_planes(f);
    for (unsigned side = 0; side < 2; side++) {
        struct ipsec_config cfg = config(side, &suites[suite]);

        cfg.encap = encap;
        cfg.suite.esn = esn;
        install(side == 0 ? &f->device : &f->gateway, &cfg);
    }
    for (size_t n = 0; n < 600; n += 1 + n / 7) {
        const bool v6 = n % 2;
        size_t len;

        make_packet(f, v6, n);
        len = f->pkt.len;
        memcpy(want, cv_packet_data(&f->pkt), len);
        assert_int_equal(send_on(f, &f->device), CV_OK);
        check_outer(f, encap);
        carry(f);
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        assert_int_equal(f->pkt.verdict, CV_DELIVER);
        assert_int_equal(f->pkt.child, 200);
        assert_int_equal(f->notices, n == 0 ? IPSEC_FIRST_IN : 0);
        assert_int_equal(f->pkt.len, len);
        assert_memory_equal(cv_packet_data(&f->pkt), want, len);
    }
    done(f);
}

static void packets_arrive_as_sent_for_every_suite_family_and_carrier(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SUITES * 4; i++)
        try_round_trips(i / 4, i & 1, i & 2);
}

static void both_sides_count_what_they_carried(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct ipsec_counters *d = ipsec_counters(f->device.p, PAIR),
                                *g = ipsec_counters(f->gateway.p, PAIR);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        send_packet(f, 100);
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    }
    assert_int_equal(d->packets_out, 3);
    assert_int_equal(d->bytes_out, 3 * 128);
    assert_int_equal(d->last_out_ms, 1000);
    assert_int_equal(d->packets_in + d->bytes_in + d->last_in_ms, 0);
    assert_int_equal(g->packets_in, 3);
    assert_int_equal(g->bytes_in, 3 * 128);
    assert_int_equal(g->last_in_ms, 2000);
    assert_int_equal(g->packets_out + g->bytes_out + g->last_out_ms, 0);
    ipsec_remove(f->gateway.p, PAIR);
    assert_int_equal(g->packets_in, 3); /* still there for who reports the end */
    done(f);
}

static void dscp_and_ecn_go_outside_and_a_mark_comes_back_in(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    struct ip_flow flow;

    (void)state;
    make_packet(f, false, 10);
    set_tos(cv_packet_data(&f->pkt), 0xb8 | 2);
    assert_int_equal(send_on(f, &f->device), CV_OK);
    assert_int_equal(f->pkt.tos, 0xb8 | 2);
    carry(f);
    f->pkt.tos |= 3; /* a congested router */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
    assert_int_equal(flow.tos, 0xb8 | 3);
    send_packet(f, 10);
    f->pkt.tos = 3; /* marked although the ends do not speak ECN */
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_MALFORMED);
    assert_int_equal(f->pkt.verdict, CV_DROP);
    done(f);
}

/* ---- what must not pass ---- */

/* The plane's memory without the drop counters of the pair. */
static void snapshot(struct plane *pl, uint8_t out[MEM_LEN])
{
    const uint8_t *drops = (const uint8_t *)ipsec_counters(pl->p, PAIR)->drops;

    memcpy(out, pl->mem, MEM_LEN);
    memset(out + (drops - pl->mem), 0, sizeof(ipsec_counters(pl->p, PAIR)->drops));
}

static void try_every_flipped_bit(unsigned suite)
{
    struct fixture room, *f = fresh(&room, suite);
    uint8_t before[MEM_LEN], after[MEM_LEN], wire[BUF_LEN];
    struct cv_packet sent;
    uint64_t drops = 0;

    for (unsigned i = 0; i < 3; i++) /* no flipped bit makes number 3 a zero */
        send_packet(f, 30);
    sent = f->pkt;
    memcpy(wire, f->buf, sizeof(wire));
    snapshot(&f->gateway, before);
    for (size_t bit = 0; bit < sent.len * 8; bit++) {
        f->pkt = sent;
        f->pkt.remote.port = 9999; /* and as if the attacker sat elsewhere */
        memcpy(f->buf, wire, sizeof(wire));
        f->buf[sent.off + bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(receive_on(f, &f->gateway), bit < 32 ? CV_ERR_NO_SA : CV_ERR_ICV);
        assert_int_equal(f->pkt.verdict, CV_DROP);
        assert_int_equal(f->notices & ~(unsigned)IPSEC_ALARM, 0);
        drops += bit >= 32;
    }
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->drops[CV_CD_ICV], drops);
    snapshot(&f->gateway, after);
    assert_memory_equal(before, after, sizeof(before));
    f->pkt = sent;
    memcpy(f->buf, wire, sizeof(wire));
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    done(f);
}

static void flipped_bit_anywhere_is_dropped_and_changes_no_state(void **state)
{
    (void)state;
    try_every_flipped_bit(0);  /* AES-GCM */
    try_every_flipped_bit(9);  /* AES-CBC with HMAC-SHA-256 */
    try_every_flipped_bit(16); /* AES-CCM-8 with implicit IV */
}

static void every_proper_prefix_is_dropped(void **state)
{
    (void)state;
    for (unsigned suite = 0; suite < N_SUITES; suite++) {
        struct fixture room, *f = fresh(&room, suite);
        uint8_t before[MEM_LEN], after[MEM_LEN], wire[BUF_LEN];
        struct cv_packet sent;

        send_packet(f, 30);
        sent = f->pkt;
        memcpy(wire, f->buf, sizeof(wire));
        snapshot(&f->gateway, before);
        for (size_t n = 0; n < sent.len; n++) {
            enum cv_err err;

            f->pkt = sent;
            f->pkt.len = n;
            memcpy(f->buf, wire, sizeof(wire));
            err = receive_on(f, &f->gateway);
            assert_true(err == CV_ERR_SHORT || err == CV_ERR_MALFORMED || err == CV_ERR_ICV);
            assert_int_equal(f->pkt.verdict, CV_DROP);
        }
        snapshot(&f->gateway, after);
        assert_memory_equal(before, after, sizeof(before));
        done(f);
    }
}

static void a_hundred_thousand_replays_are_all_refused(void **state)
{
    enum { N = 50, ROUNDS = 2000 };
    struct fixture room, *f = fresh(&room, 0);
    static uint8_t wire[N][BUF_LEN];
    struct cv_packet sent = {0};
    unsigned alarms = 0;

    (void)state;
    for (unsigned i = 0; i < N; i++) {
        send_packet(f, 30);
        memcpy(wire[i], f->buf, sizeof(wire[i]));
        sent = f->pkt;
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    }
    for (unsigned i = 0; i < N * ROUNDS; i++) {
        f->pkt = sent;
        f->pkt.buf = wire[i % N];
        assert_int_equal(receive_on(f, &f->gateway), CV_ERR_REPLAY);
        alarms += (f->notices & IPSEC_ALARM) != 0;
    }
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->drops[CV_CD_REPLAY], N * ROUNDS);
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->packets_in, N);
    assert_int_equal(alarms, 13); /* at 16, 32, ... 65536 */
    done(f);
}

static void unknown_spi_finds_no_pair(void **state)
{
    struct fixture room, *f = fresh(&room, 0);

    (void)state;
    send_packet(f, 30);
    assert_int_equal(receive_on(f, &f->device), CV_ERR_NO_SA); /* its own packet, reflected */
    assert_int_equal(f->pair, POOL_NONE);
    assert_int_equal(f->pkt.child, 0);
    done(f);
}

static void esp_is_taken_from_either_carrier_but_not_from_the_ike_port(void **state)
{
    /* clang-format off */
    static const struct { bool encap; uint8_t carrier; enum cv_err want; } cases[] = {
        {true,  CV_UDP_4500, CV_OK}, {true,  CV_RAW_ESP, CV_OK},
        {false, CV_UDP_4500, CV_OK}, {false, CV_RAW_ESP, CV_OK},
        {true,  CV_UDP_500, CV_ERR_ENCAP},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture room, *f = fresh(&room, 0);
        const struct cv_endpoint local = outer(20, 4500), remote = outer(10, 4500);

        ipsec_move(f->gateway.p, PAIR, &local, &remote, cases[i].encap);
        send_packet(f, 30);
        f->pkt.carrier = cases[i].carrier;
        assert_int_equal(receive_on(f, &f->gateway), cases[i].want);
        done(f);
    }
}

/* ---- selectors ---- */

/* Seals any octets on the device's outbound SA, past its selectors: what a hostile but
 * authenticated peer may send. */
static void send_octets(struct fixture *f, struct esp_sa *sa, size_t len, uint8_t next_header)
{
    f->pkt = packet_in(f->buf, len);
    assert_int_equal(esp_seal(sa, &f->pkt, next_header), CV_OK);
    f->pkt.carrier = CV_UDP_4500;
    f->pkt.local = outer(20, 4500);
    f->pkt.remote = outer(10, 4500);
}

static void open_hostile(struct esp_sa *sa)
{
    const struct ipsec_config cfg = config(0, &suites[0]);

    assert_int_equal(esp_sa_open(sa, &cv_crypto_openssl, &cfg.suite, cfg.spi_out, cfg.key_out),
                     CV_OK);
}

static void inner_packet_outside_the_selectors_is_dropped(void **state)
{
    /* clang-format off */
    const struct { struct cv_addr src, dst; enum cv_err want; } cases[] = {
        {device_ip(false),  broker_ip(false), CV_OK},
        {device_ip(true),   broker_ip(true),  CV_OK},
        {ip4(10, 1, 0, 8),  broker_ip(false), CV_ERR_SELECTOR}, /* another device's address */
        {broker_ip(false),  broker_ip(false), CV_ERR_SELECTOR},
        {device_ip(false),  ip4(10, 3, 0, 1), CV_ERR_SELECTOR},
        {ip6(1, 8),         broker_ip(true),  CV_ERR_SELECTOR},
        {device_ip(true),   ip6(3, 1),        CV_ERR_SELECTOR},
        {broker_ip(false),  device_ip(false), CV_ERR_SELECTOR}, /* the wrong way round */
    };
    /* clang-format on */
    struct fixture room, *f = fresh(&room, 0);
    struct esp_sa sa;
    uint64_t drops = 0;

    (void)state;
    open_hostile(&sa);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const bool v6 = cases[i].src.family == CV_IPV6;

        send_octets(f, &sa,
                    make_udp(f->buf + CV_HEADROOM, cases[i].src, cases[i].dst, 1, 2, 20),
                    v6 ? IPPROTO_NUM_IPV6 : IPPROTO_NUM_IPIP);
        assert_int_equal(receive_on(f, &f->gateway), cases[i].want);
        assert_int_equal(f->pkt.verdict, cases[i].want == CV_OK ? CV_DELIVER : CV_DROP);
        drops += cases[i].want != CV_OK;
    }
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->drops[CV_CD_SELECTOR], drops);
    esp_sa_close(&sa);
    done(f);
}

static void payload_that_is_no_packet_is_dropped(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    struct esp_sa sa;
    size_t n;

    (void)state;
    open_hostile(&sa);
    n = make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
    send_octets(f, &sa, n, IPPROTO_NUM_IPV6); /* says v6, is v4 */
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_NEXT_HEADER);
    n = make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
    send_octets(f, &sa, n, IPPROTO_NUM_UDP); /* transport mode on a tunnel mode SA */
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_NEXT_HEADER);
    n = make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
    f->buf[CV_HEADROOM + 12]++; /* checksum wrong */
    send_octets(f, &sa, n, IPPROTO_NUM_IPIP);
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_INNER);
    for (n = 0; n < 48; n++) {
        make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
        send_octets(f, &sa, n, IPPROTO_NUM_IPIP);
        assert_int_equal(receive_on(f, &f->gateway), CV_ERR_INNER);
    }
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->drops[CV_CD_MALFORMED], 51);
    esp_sa_close(&sa);
    done(f);
}

static void dummy_packet_and_flow_padding_are_consumed(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    struct esp_sa sa;
    size_t n;

    (void)state;
    open_hostile(&sa);
    send_octets(f, &sa, 77, IPPROTO_NUM_NONE);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_TAKEN);
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->packets_in, 1);
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->bytes_in, 0);
    n = make_udp(f->buf + CV_HEADROOM, device_ip(false), broker_ip(false), 1, 2, 20);
    send_octets(f, &sa, n + 100, IPPROTO_NUM_IPIP); /* RFC 4303 section 2.7 */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_DELIVER);
    assert_int_equal(f->pkt.len, n);
    assert_int_equal(ipsec_counters(f->gateway.p, PAIR)->bytes_in, n);
    esp_sa_close(&sa);
    done(f);
}

static void outbound_packet_without_a_pair_is_told_so(void **state)
{
    struct fixture room, *f = fresh(&room, 0);

    (void)state;
    make_packet(f, false, 10);
    assert_int_equal(send_on(f, &f->gateway), CV_ERR_NO_TUNNEL); /* the device's direction */
    assert_int_equal(f->pair, POOL_NONE);
    ipsec_stop_out(f->device.p, PAIR);
    make_packet(f, false, 10);
    assert_int_equal(send_on(f, &f->device), CV_ERR_NO_TUNNEL);
    ipsec_use_out(f->device.p, PAIR);
    assert_int_equal(send_on(f, &f->device), CV_OK);
    make_packet(f, false, 10);
    f->pkt.len = 19;
    assert_int_equal(send_on(f, &f->device), CV_ERR_SHORT);
    make_packet(f, false, 10);
    f->pkt.cap = f->pkt.off + f->pkt.len;
    assert_int_equal(send_on(f, &f->device), CV_ERR_NO_ROOM);
    done(f);
}

/* ---- lifetimes ---- */

static void try_limits(struct ipsec_config limits, unsigned soft_at, unsigned hard_at, bool out)
{
    struct fixture room, *f = fresh(&room, 0);
    struct plane *limited = out ? &f->device : &f->gateway;
    struct ipsec_config cfg = config(out ? 0 : 1, &suites[0]);

    cfg.life = limits.life;
    cfg.soft_bytes = limits.soft_bytes;
    cfg.soft_packets = limits.soft_packets;
    ipsec_remove(limited->p, PAIR);
    install(limited, &cfg);
    for (unsigned i = 1; i < hard_at + 5; i++) {
        const enum cv_err want = i > hard_at ? CV_ERR_EXPIRED : CV_OK;
        unsigned notices = 0;

        make_packet(f, false, 72); /* 100 octets */
        if (out) {
            assert_int_equal(send_on(f, &f->device), want);
        } else {
            assert_int_equal(send_on(f, &f->device), CV_OK);
            carry(f);
            assert_int_equal(receive_on(f, &f->gateway), want);
            if (i == 1)
                notices |= IPSEC_FIRST_IN;
        }
        if (i == soft_at)
            notices |= IPSEC_SOFT_LIMIT;
        if (i == hard_at)
            notices |= IPSEC_HARD_LIMIT;
        assert_int_equal(f->notices, notices);
    }
    done(f);
}

static void limits_are_told_once_and_the_hard_one_ends_the_sa(void **state)
{
    (void)state;
    for (unsigned out = 0; out < 2; out++) {
        try_limits((struct ipsec_config){.soft_packets = 3, .life.hard_packets = 5}, 3, 5, out);
        try_limits((struct ipsec_config){.soft_bytes = 250, .life.hard_bytes = 600}, 3, 6, out);
        try_limits((struct ipsec_config){.soft_bytes = 300, .life.hard_packets = 4}, 3, 4, out);
        try_limits((struct ipsec_config){.life.hard_packets = 4}, 0, 4, out);
        try_limits((struct ipsec_config){.soft_packets = 4, .life.hard_packets = 4}, 4, 4, out);
    }
}

/* The SA inside the plane that sends with this SPI. */
static struct esp_sa *find_outbound(struct plane *pl, uint32_t spi)
{
    for (size_t k = 0; k + sizeof(struct esp_sa) <= pl->used; k += _Alignof(struct esp_sa)) {
        struct esp_sa *sa = (struct esp_sa *)(void *)(pl->mem + k);

        if (sa->spi == spi && sa->key != NULL)
            return sa;
    }
    fail();
    return NULL;
}

static void rekey_is_asked_for_long_before_the_numbers_end(void **state)
{
    const uint64_t margin = UINT64_C(1) << 20;
    struct fixture room, *f = fresh(&room, 0);
    struct esp_sa *sa = find_outbound(&f->device, GATEWAY_SPI);

    (void)state;
    sa->seq = UINT32_MAX - margin - 1;
    send_packet(f, 1);
    assert_int_equal(f->notices, 0);
    send_packet(f, 1);
    assert_int_equal(f->notices, IPSEC_SOFT_LIMIT);
    send_packet(f, 1);
    assert_int_equal(f->notices, 0);
    sa->seq = UINT32_MAX - 1;
    send_packet(f, 1);
    assert_int_equal(f->notices, 0);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    for (unsigned i = 0; i < 3; i++) {
        make_packet(f, false, 1);
        assert_int_equal(send_on(f, &f->device),
                         i == 0 ? CV_ERR_SEQ_EXHAUSTED : CV_ERR_EXPIRED);
        assert_int_equal(f->notices, i == 0 ? IPSEC_HARD_LIMIT : 0);
    }
    done(f);
}

static void extended_numbers_go_on_past_two_to_the_32(void **state)
{
    struct fixture room, *f = &room;
    struct esp_sa *sa;

    (void)state;
    init_planes(f);
    for (unsigned side = 0; side < 2; side++) {
        struct ipsec_config cfg = config(side, &suites[8]);

        cfg.suite.esn = CV_ESN_YES;
        install(side == 0 ? &f->device : &f->gateway, &cfg);
    }
    sa = find_outbound(&f->device, GATEWAY_SPI);
    sa->seq = UINT32_MAX - 1000U;
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t wire[BUF_LEN];
        struct cv_packet sent;

        send_packet(f, 1);
        assert_int_equal(f->notices, 0);
        sent = f->pkt;
        memcpy(wire, f->buf, sizeof(wire));
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        f->pkt = sent;
        f->pkt.buf = wire;
        assert_int_equal(receive_on(f, &f->gateway), CV_ERR_REPLAY);
    }
    assert_int_equal(sa->seq, (uint64_t)UINT32_MAX + 2000);
    done(f);
}

/* ---- the peer's endpoint ---- */

static bool sends_to(struct fixture *f, struct cv_endpoint want)
{
    f->pkt = packet_in(
        f->buf, make_udp(f->buf + CV_HEADROOM, broker_ip(false), device_ip(false), 1, 2, 3));
    assert_int_equal(send_on(f, &f->gateway), CV_OK);
    return endpoint_equal(&f->pkt.remote, &want);
}

static void newest_authentic_packet_moves_the_peer(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    uint8_t late[BUF_LEN];
    struct cv_packet late_pkt;

    (void)state;
    send_packet(f, 1);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->notices, IPSEC_FIRST_IN); /* from where we knew it */
    send_packet(f, 1);
    memcpy(late, f->buf, sizeof(late));
    late_pkt = f->pkt;
    late_pkt.buf = late;
    send_packet(f, 1);
    f->pkt.remote = outer(10, 61000); /* the NAT has a new mapping */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->notices, IPSEC_PEER_MOVED);
    assert_true(sends_to(f, outer(10, 61000)));
    f->pkt = late_pkt; /* authentic and not replayed, but older */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->notices, 0);
    assert_true(sends_to(f, outer(10, 61000)));
    send_packet(f, 1);
    f->pkt.remote = outer(99, 4500); /* another address as well */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->notices, IPSEC_PEER_MOVED);
    assert_true(sends_to(f, outer(99, 4500)));
    done(f);
}

static void replayed_or_forged_packet_does_not_move_the_peer(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    uint8_t wire[BUF_LEN];
    struct cv_packet sent;

    (void)state;
    send_packet(f, 1);
    memcpy(wire, f->buf, sizeof(wire));
    sent = f->pkt;
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    memcpy(f->buf, wire, sizeof(wire));
    f->pkt = sent;
    f->pkt.remote = outer(66, 6666);
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_REPLAY);
    assert_int_equal(f->notices, 0);
    send_packet(f, 1);
    f->buf[f->pkt.off + f->pkt.len - 1] ^= 1;
    f->pkt.remote = outer(66, 6666);
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_ICV);
    assert_int_equal(f->notices, IPSEC_ALARM);
    assert_true(sends_to(f, outer(10, 4500)));
    done(f);
}

static void raw_packet_or_fixed_peer_does_not_move(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct fixture room, *f = fresh(&room, 0);
        struct ipsec_config cfg = config(1, &suites[0]);

        cfg.encap = i != 1;
        cfg.fixed_remote = i == 2;
        ipsec_remove(f->gateway.p, PAIR);
        install(&f->gateway, &cfg);
        send_packet(f, 1);
        f->pkt.remote = outer(10, 61000);
        if (i == 0)
            f->pkt.carrier = CV_RAW_ESP;
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        assert_int_equal(f->notices, IPSEC_FIRST_IN);
        assert_true(sends_to(f, outer(10, cfg.encap ? 4500 : 0)));
        done(f);
    }
}

static void move_changes_endpoints_and_encapsulation(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct cv_endpoint local = outer(30, 4500), remote = outer(40, 4501);

    (void)state;
    ipsec_move(f->gateway.p, PAIR, &local, &remote, false);
    assert_true(sends_to(f, outer(40, 0)));
    assert_int_equal(f->pkt.carrier, CV_RAW_ESP);
    ipsec_move(f->gateway.p, PAIR, &local, &remote, true);
    assert_true(sends_to(f, remote));
    assert_true(endpoint_equal(&f->pkt.local, &local));
    done(f);
}

/* ---- pairs come and go ---- */

static void rekeyed_pair_takes_over_outbound_while_both_receive(void **state)
{
    struct fixture room, *f = fresh(&room, 0);

    (void)state;
    for (unsigned side = 0; side < 2; side++) {
        struct ipsec_config cfg = config(side, &suites[7]);

        cfg.id++;
        cfg.spi_in += 16;
        cfg.spi_out += 16;
        assert_int_equal(
            ipsec_install(side == 0 ? f->device.p : f->gateway.p, PAIR + 1, &cfg, 2), CV_OK);
    }
    send_packet(f, 1);
    assert_int_equal(f->pkt.child, 100); /* the old one until told otherwise */
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    ipsec_use_out(f->device.p, PAIR + 1);
    send_packet(f, 1);
    assert_int_equal(f->pkt.child, 101);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    assert_int_equal(f->pair, PAIR + 1);
    assert_int_equal(f->notices, IPSEC_FIRST_IN);
    ipsec_remove(f->gateway.p, PAIR);
    assert_int_equal(ipsec_find_spi(f->gateway.p, GATEWAY_SPI), POOL_NONE);
    assert_int_equal(ipsec_find_spi(f->gateway.p, GATEWAY_SPI + 16), PAIR + 1);
    ipsec_stop_out(f->device.p, PAIR + 1);
    send_packet(f, 1);
    assert_int_equal(receive_on(f, &f->gateway), CV_ERR_NO_SA);
    done(f);
}

static void install_refuses_what_it_cannot_keep_and_changes_nothing(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    static uint8_t before[MEM_LEN];
    uint8_t key[20] = {0};

    (void)state;
    memcpy(before, f->device.mem, MEM_LEN);
    for (unsigned i = 0;; i++) {
        struct ipsec_config cfg = config(0, &suites[0]);
        enum cv_err want = CV_ERR_ARGUMENT;
        uint32_t at = PAIR + 1;

        cfg.spi_in++;
        switch (i) {
        case 0:
            at = N_PAIRS;
            break;
        case 1:
            at = PAIR; /* in use */
            break;
        case 2:
            cfg.spi_in = DEVICE_SPI; /* taken */
            break;
        case 3:
            cfg.spi_in = 0;
            break;
        case 4:
            cfg.spi_out = 0;
            break;
        case 5:
            cfg.key_in = span(key, 19);
            break;
        case 6:
            cfg.key_out = span(key, 19);
            break;
        case 7:
            cfg.local_ts.n = 0;
            break;
        case 8:
            cfg.remote_ts.n = CV_TS_MAX + 1;
            break;
        case 9:
            cfg.remote_ts.ts[0].family = CV_ANY_FAMILY;
            break;
        case 10:
            cfg.protocol = CV_PROTO_AH; /* and encap is set */
            want = CV_ERR_UNSUPPORTED;
            break;
        case 11:
            cfg.mode = CV_TRANSPORT + 1;
            want = CV_ERR_UNSUPPORTED;
            break;
        case 12:
            cfg.suite.encr = 9999;
            want = CV_ERR_UNSUPPORTED;
            break;
        default:
            done(f);
            return;
        }
        assert_int_equal(ipsec_install(f->device.p, at, &cfg, 1), want);
        if (i < 2 || i == 3 || i == 4 || (i >= 7 && i < 12))
            assert_memory_equal(before, f->device.mem, MEM_LEN);
        send_packet(f, 1); /* the other pair goes on */
        assert_int_equal(receive_on(f, &f->gateway), CV_OK);
        memcpy(before, f->device.mem, MEM_LEN);
    }
}

static void removed_pair_leaves_no_key_behind_and_its_slot_is_free(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct ipsec_config cfg = config(0, &suites[0]);
    struct cv_ts_list local, remote;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        ipsec_remove(f->device.p, PAIR);
        ipsec_remove(f->device.p, PAIR);
        ipsec_use_out(f->device.p, PAIR);
        ipsec_ts(f->device.p, PAIR, &local, &remote);
        assert_int_equal(local.n + remote.n, 0);
        for (size_t k = 0; k + 4 <= f->device.used; k++) /* the salts */
            assert_true(memcmp(f->device.mem + k, keymat[0] + 16, 4) != 0 &&
                        memcmp(f->device.mem + k, keymat[1] + 16, 4) != 0);
        install(&f->device, &cfg);
    }
    ipsec_ts(f->device.p, PAIR, &local, &remote);
    assert_int_equal(local.n, 2);
    assert_int_equal(remote.n, 2);
    send_packet(f, 1);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK);
    done(f);
}

static void window_of_a_slot_used_many_times_is_as_wide_as_the_first(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    const struct ipsec_config cfg = config(1, &suites[0]);
    uint8_t first[BUF_LEN];
    struct cv_packet first_pkt;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        ipsec_remove(f->gateway.p, PAIR);
        install(&f->gateway, &cfg);
    }
    send_packet(f, 1);
    memcpy(first, f->buf, sizeof(first));
    first_pkt = f->pkt;
    first_pkt.buf = first;
    for (unsigned i = 0; i < 1023; i++)
        send_packet(f, 1);
    assert_int_equal(receive_on(f, &f->gateway), CV_OK); /* number 1024 alone */
    f->pkt = first_pkt;
    assert_int_equal(receive_on(f, &f->gateway), CV_OK); /* number 1, at the left edge */
    done(f);
}

static void refused_installs_use_nothing_up(void **state)
{
    struct fixture room, *f = fresh(&room, 0);
    struct ipsec_config cfg = config(0, &suites[0]);

    (void)state;
    cfg.local_ts.ts[0].proto = 6; /* a list that is not shared */
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ipsec_install(f->device.p, PAIR + 1, &cfg, 1), CV_ERR_ARGUMENT);
    cfg.spi_in++;
    assert_int_equal(ipsec_install(f->device.p, PAIR + 1, &cfg, 1), CV_OK);
    done(f);
}

static void key_length_is_zero_for_what_is_not_supported(void **state)
{
    const struct cv_suite bad = {.encr = CV_ENCR_AES_CBC, .encr_bits = 128};

    (void)state;
    assert_int_equal(ipsec_key_len(&cv_crypto_openssl, &bad), 0);
    for (unsigned i = 0; i < N_SUITES; i++)
        assert_int_equal(ipsec_key_len(&cv_crypto_openssl, &suites[i].suite),
                         suites[i].key_len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_arrive_as_sent_for_every_suite_family_and_carrier),
        cmocka_unit_test(both_sides_count_what_they_carried),
        cmocka_unit_test(dscp_and_ecn_go_outside_and_a_mark_comes_back_in),
        cmocka_unit_test(flipped_bit_anywhere_is_dropped_and_changes_no_state),
        cmocka_unit_test(every_proper_prefix_is_dropped),
        cmocka_unit_test(a_hundred_thousand_replays_are_all_refused),
        cmocka_unit_test(unknown_spi_finds_no_pair),
        cmocka_unit_test(esp_is_taken_from_either_carrier_but_not_from_the_ike_port),
        cmocka_unit_test(inner_packet_outside_the_selectors_is_dropped),
        cmocka_unit_test(payload_that_is_no_packet_is_dropped),
        cmocka_unit_test(dummy_packet_and_flow_padding_are_consumed),
        cmocka_unit_test(outbound_packet_without_a_pair_is_told_so),
        cmocka_unit_test(limits_are_told_once_and_the_hard_one_ends_the_sa),
        cmocka_unit_test(rekey_is_asked_for_long_before_the_numbers_end),
        cmocka_unit_test(extended_numbers_go_on_past_two_to_the_32),
        cmocka_unit_test(newest_authentic_packet_moves_the_peer),
        cmocka_unit_test(replayed_or_forged_packet_does_not_move_the_peer),
        cmocka_unit_test(raw_packet_or_fixed_peer_does_not_move),
        cmocka_unit_test(move_changes_endpoints_and_encapsulation),
        cmocka_unit_test(rekeyed_pair_takes_over_outbound_while_both_receive),
        cmocka_unit_test(install_refuses_what_it_cannot_keep_and_changes_nothing),
        cmocka_unit_test(removed_pair_leaves_no_key_behind_and_its_slot_is_free),
        cmocka_unit_test(window_of_a_slot_used_many_times_is_as_wide_as_the_first),
        cmocka_unit_test(refused_installs_use_nothing_up),
        cmocka_unit_test(key_length_is_zero_for_what_is_not_supported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
