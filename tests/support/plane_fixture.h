/* Two data planes back to back, a device and its gateway with one pair each, and what goes
 * between them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PLANE_FIXTURE_H
#define TESTS_PLANE_FIXTURE_H

#include "ipsec/esp.h"
#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"
#include "tests/support/own_sa.h"

enum { N_PAIRS = 4, DEVICE_SPI = 0x0d000001, GATEWAY_SPI = 0x6a000001, MEM_LEN = 32768 };

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
    struct ipsec_way way;
};

enum { PAIR = 1 };

static inline struct cv_addr device_ip(bool v6)
{
    return v6 ? ip6(1, 7) : ip4(10, 1, 0, 7);
}

static inline struct cv_addr broker_ip(bool v6)
{
    return v6 ? ip6(2, 1) : ip4(10, 2, 0, 1);
}

static inline struct cv_endpoint outer(uint8_t last, uint16_t port)
{
    return (struct cv_endpoint){ip4(192, 0, 2, last), port};
}

static inline void init_plane(struct plane *pl)
{
    struct arena count = {0}, build = {.p = pl->mem, .cap = sizeof(pl->mem)};

    assert_null(ipsec_init(&count, N_PAIRS, 0, &cv_crypto_openssl, SEED));
    assert_true(count.used <= sizeof(pl->mem));
    pl->p = ipsec_init(&build, N_PAIRS, 0, &cv_crypto_openssl, SEED);
    assert_non_null(pl->p);
    assert_int_equal(build.used, count.used);
    pl->used = build.used;
}

/* side 0: the device; side 1: the gateway, everything mirrored. */
static inline struct cv_pair_config config(unsigned side, const struct named_suite *s)
{
    const struct cv_ts_list device = {
        2, {ts_host(device_ip(false)), ts_host(device_ip(true))}
    };
    const struct cv_ts_list site = {
        2,
        {ts_range(ip4(10, 2, 0, 0), ip4(10, 2, 255, 255)), ts_range(ip6(2, 0), ip6(2, 255))}
    };

    return (struct cv_pair_config){
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

static inline void install(struct plane *pl, const struct cv_pair_config *cfg)
{
    assert_int_equal(ipsec_install(pl->p, PAIR, cfg, 1), CV_OK);
    ipsec_use_out(pl->p, PAIR);
}

static inline void init_planes(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    init_plane(&f->device);
    init_plane(&f->gateway);
}

static inline struct fixture *fresh(struct fixture *f, unsigned suite)
{
    init_planes(f);
    for (unsigned side = 0; side < 2; side++) {
        const struct cv_pair_config cfg = config(side, &suites[suite]);

        install(side == 0 ? &f->device : &f->gateway, &cfg);
    }
    return f;
}

static inline void done(struct fixture *f)
{
    ipsec_close(f->device.p);
    ipsec_close(f->gateway.p);
}

/* f->pkt becomes a UDP packet from the device to the broker. */
static inline void make_packet(struct fixture *f, bool v6, size_t n)
{
    f->pkt = packet_in(
        f->buf, make_udp(f->buf + CV_HEADROOM, device_ip(v6), broker_ip(v6), 40000, 1883, n));
}

static inline enum cv_err send_on(struct fixture *f, struct plane *pl)
{
    ipsec_out(pl->p, &f->pkt, 1000, &f->way);
    assert_int_equal(f->pkt.verdict, f->pkt.err == CV_OK ? CV_TRANSMIT : CV_DROP);
    return f->pkt.err;
}

static inline enum cv_err receive_on(struct fixture *f, struct plane *pl)
{
    ipsec_in(pl->p, &f->pkt, 2000, &f->way);
    return f->pkt.err;
}

/* The network between them: what was sent from local to remote arrives. */
static inline void carry(struct fixture *f)
{
    const struct cv_endpoint from = f->pkt.local;

    f->pkt.local = f->pkt.remote;
    f->pkt.remote = from;
}

/* One packet from the device, on the wire. */
static inline void send_packet(struct fixture *f, size_t n)
{
    make_packet(f, false, n);
    assert_int_equal(send_on(f, &f->device), CV_OK);
    carry(f);
}

/* Seals any octets on the device's outbound SA, past its selectors: what a hostile but
 * authenticated peer may send. */
static inline void send_octets(struct fixture *f, struct esp_sa *sa, size_t len,
                               uint8_t next_header)
{
    f->pkt = packet_in(f->buf, len);
    assert_int_equal(esp_seal(sa, &f->pkt, next_header), CV_OK);
    f->pkt.carrier = CV_UDP_4500;
    f->pkt.local = outer(20, 4500);
    f->pkt.remote = outer(10, 4500);
}

static inline void open_hostile(struct esp_sa *sa)
{
    const struct cv_pair_config cfg = config(0, &suites[0]);

    assert_int_equal(own_esp_open(sa, &cv_crypto_openssl, &cfg.suite, cfg.spi_out, cfg.key_out),
                     CV_OK);
}
/* The SA inside the plane that sends with this SPI. */
static inline struct esp_sa *find_outbound(struct plane *pl, uint32_t spi)
{
    for (size_t k = 0; k + sizeof(struct esp_sa) <= pl->used; k += _Alignof(struct esp_sa)) {
        struct esp_sa *sa = (struct esp_sa *)(void *)(pl->mem + k);

        if (sa->spi == spi && sa->key != NULL)
            return sa;
    }
    fail();
    return NULL;
}

#endif
