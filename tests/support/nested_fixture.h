/* Two planes with SAs inside SAs between them, for the tests of nested pairs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_NESTED_FIXTURE_H
#define TESTS_NESTED_FIXTURE_H

#include <stddef.h>

#include <culvert/ipsec.h>

#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"

enum { PAIRS = 5, MEM_LEN = 131072, ROOM = CV_NESTED_MAX * CV_HEADROOM, MANY = 4096 };

static const uint64_t SEED[2] = {1, 2};

/* One SA between host 1 (left) and host 2 (right) of network net; what it carries is between
 * the same two of network inside. */
struct layer {
    uint8_t protocol, mode;
    bool v6, encap, nested;
    uint8_t net, inside, proto; /* proto: of what it carries, 0 any; UDP: port 4500 */
    bool inside_v6;
    uint16_t mtu;
};

struct fixture {
    _Alignas(max_align_t) uint8_t mem[2][MEM_LEN];
    struct ipsec *p[2];
    uint8_t buf[MANY];
    struct cv_packet pkt;
    struct ipsec_way way;
};

static inline struct cv_addr addr(bool v6, uint8_t net, bool right)
{
    return v6 ? ip6(net, right ? 2 : 1) : ip4(10, net, 0, right ? 2 : 1);
}

static inline struct cv_pair_config config(const struct layer *l, uint32_t i, bool right)
{
    const bool ah = l->protocol == CV_PROTO_AH;
    struct cv_pair_config cfg = {
        .id = i + 1,
        .spi_in = (right ? 0x2000U : 0x1000U) + i,
        .spi_out = (right ? 0x1000U : 0x2000U) + i,
        .protocol = l->protocol,
        .mode = l->mode,
        .suite.encr = ah ? 0 : CV_ENCR_AES_CBC,
        .suite.encr_bits = ah ? 0 : 128,
        .suite.integ = CV_INTEG_HMAC_SHA2_256_128,
        .key_in = span(keymat[right] + i, ah ? 32 : 48),
        .key_out = span(keymat[!right] + i, ah ? 32 : 48),
        .local_ts = ts_one(ts_host(addr(l->inside_v6, l->inside, right))),
        .remote_ts = ts_one(ts_host(addr(l->inside_v6, l->inside, !right))),
        .local.addr = addr(l->v6, l->net, right),
        .local.port = 4500,
        .remote.addr = addr(l->v6, l->net, !right),
        .remote.port = 4500,
        .encap = l->encap,
        .replay_window = 64,
        .nested = l->nested,
        .mtu = l->mtu,
    };

    cfg.local_ts.ts[0].proto = cfg.remote_ts.ts[0].proto = l->proto;
    if (l->proto == IPPROTO_NUM_UDP) {
        cfg.local_ts.ts[0].port_lo = cfg.local_ts.ts[0].port_hi = 4500;
        cfg.remote_ts.ts[0].port_lo = cfg.remote_ts.ts[0].port_hi = 4500;
    }
    return cfg;
}

static inline void add(struct fixture *f, const struct layer *l, uint32_t i)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct cv_pair_config cfg = config(l, i, side);

        assert_int_equal(ipsec_install(f->p[side], i, &cfg, 0), CV_OK);
        ipsec_use_out(f->p[side], i);
    }
}

static inline struct fixture *fresh(struct fixture *f, const struct layer *layers, unsigned n)
{
    memset(f, 0, sizeof(*f));
    for (unsigned side = 0; side < 2; side++) {
        struct arena a = {.p = f->mem[side], .cap = MEM_LEN};

        f->p[side] = ipsec_init(&a, PAIRS, 0, &cv_crypto_openssl, SEED);
        assert_non_null(f->p[side]);
    }
    for (uint32_t i = 0; i < n; i++)
        add(f, &layers[i], i);
    return f;
}

static inline void done(struct fixture *f)
{
    ipsec_close(f->p[0]);
    ipsec_close(f->p[1]);
}

static inline void make_packet(struct fixture *f, const struct layer *l, size_t n)
{
    const size_t len = make_udp(f->buf + ROOM, addr(l->inside_v6, l->inside, false),
                                addr(l->inside_v6, l->inside, true), 40000, 1883, n);

    f->pkt = (struct cv_packet){.buf = f->buf, .cap = MANY, .off = ROOM, .len = len};
}

static inline enum cv_err send(struct fixture *f)
{
    ipsec_out(f->p[0], &f->pkt, 1000, &f->way);
    assert_int_equal(f->pkt.verdict, f->pkt.err == CV_OK ? CV_TRANSMIT : CV_DROP);
    return f->pkt.err;
}

/* As the network brings it to the other side. */
static inline enum cv_err receive(struct fixture *f)
{
    const struct cv_endpoint from = f->pkt.local;

    f->pkt.local = f->pkt.remote;
    f->pkt.remote = from;
    ipsec_in(f->p[1], &f->pkt, 2000, &f->way);
    return f->pkt.err;
}

static inline const struct cv_pair_counters *count(const struct fixture *f, unsigned side,
                                                   uint32_t i)
{
    return ipsec_counters(f->p[side], i);
}

/* A layer of every kind from four bits; carries what is between the hosts of network in. */
static inline struct layer layer_of(unsigned bits, uint8_t net, uint8_t in, bool in_v6)
{
    struct layer l = {
        .protocol = bits & 1 ? CV_PROTO_AH : CV_PROTO_ESP,
        .mode = bits & 2 ? CV_TRANSPORT : CV_TUNNEL,
        .v6 = bits & 4,
        .encap = bits & 8 && !(bits & 1),
        .net = net,
        .inside = in,
        .inside_v6 = in_v6,
    };

    if (l.mode == CV_TRANSPORT) {
        l.v6 = in_v6;
        l.net = in;
    }
    return l;
}

/* AH around ESP between two hosts; a tunnel in a tunnel. */
/* clang-format off */
static const struct layer esp_in_ah[] = {
    {CV_PROTO_ESP, CV_TRANSPORT, .nested = true, .net = 1, .inside = 1},
    {CV_PROTO_AH, CV_TRANSPORT, .net = 1, .inside = 1, .proto = IPPROTO_NUM_ESP},
};
static const struct layer tunnels[] = {
    {CV_PROTO_ESP, CV_TUNNEL, .nested = true, .net = 2, .inside = 1},
    {CV_PROTO_ESP, CV_TUNNEL, .net = 3, .inside = 2},
};
/* clang-format on */

#endif
