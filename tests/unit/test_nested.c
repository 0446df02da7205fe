/* SAs inside SAs: AH around ESP, tunnels in tunnels, by the plane and by hand.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <culvert/ipsec.h>

#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"

enum { PAIRS = 5, MEM_LEN = 32768, ROOM = CV_NESTED_MAX * CV_HEADROOM, MANY = 4096 };

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

static struct cv_addr addr(bool v6, uint8_t net, bool right)
{
    return v6 ? ip6(net, right ? 2 : 1) : ip4(10, net, 0, right ? 2 : 1);
}

static struct ipsec_config config(const struct layer *l, uint32_t i, bool right)
{
    const bool ah = l->protocol == CV_PROTO_AH;
    struct ipsec_config cfg = {
        .id = i + 1,
        .spi_in = (right ? 0x2000U : 0x1000U) + i,
        .spi_out = (right ? 0x1000U : 0x2000U) + i,
        .protocol = l->protocol,
        .mode = l->mode,
        .suite = {.encr = ah ? 0 : CV_ENCR_AES_CBC,
                  .encr_bits = ah ? 0 : 128,
                  .integ = CV_INTEG_HMAC_SHA2_256_128            },
        .key_in = span(keymat[right] + i, ah ? 32 : 48),
        .key_out = span(keymat[!right] + i, ah ? 32 : 48),
        .local_ts = ts_one(ts_host(addr(l->inside_v6, l->inside, right))),
        .remote_ts = ts_one(ts_host(addr(l->inside_v6, l->inside, !right))),
        .local = { addr(l->v6,                          l->net,  right), 4500},
        .remote = { addr(l->v6,                          l->net, !right), 4500},
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

static void add(struct fixture *f, const struct layer *l, uint32_t i)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct ipsec_config cfg = config(l, i, side);

        assert_int_equal(ipsec_install(f->p[side], i, &cfg, 0), CV_OK);
        ipsec_use_out(f->p[side], i);
    }
}

static struct fixture *fresh(struct fixture *f, const struct layer *layers, unsigned n)
{
    memset(f, 0, sizeof(*f));
    for (unsigned side = 0; side < 2; side++) {
        struct arena a = {.p = f->mem[side], .cap = MEM_LEN};

        f->p[side] = ipsec_init(&a, PAIRS, &cv_crypto_openssl, SEED);
        assert_non_null(f->p[side]);
    }
    for (uint32_t i = 0; i < n; i++)
        add(f, &layers[i], i);
    return f;
}

static void done(struct fixture *f)
{
    ipsec_close(f->p[0]);
    ipsec_close(f->p[1]);
}

static void make_packet(struct fixture *f, const struct layer *l, size_t n)
{
    const size_t len = make_udp(f->buf + ROOM, addr(l->inside_v6, l->inside, false),
                                addr(l->inside_v6, l->inside, true), 40000, 1883, n);

    f->pkt = (struct cv_packet){.buf = f->buf, .cap = MANY, .off = ROOM, .len = len};
}

static enum cv_err send(struct fixture *f)
{
    ipsec_out(f->p[0], &f->pkt, 1000, &f->way);
    assert_int_equal(f->pkt.verdict, f->pkt.err == CV_OK ? CV_TRANSMIT : CV_DROP);
    return f->pkt.err;
}

/* As the network brings it to the other side. */
static enum cv_err receive(struct fixture *f)
{
    const struct cv_endpoint from = f->pkt.local;

    f->pkt.local = f->pkt.remote;
    f->pkt.remote = from;
    ipsec_in(f->p[1], &f->pkt, 2000, &f->way);
    return f->pkt.err;
}

static const struct ipsec_counters *count(const struct fixture *f, unsigned side, uint32_t i)
{
    return ipsec_counters(f->p[side], i);
}

/* ---- stacks ---- */

static uint8_t carrier_of(const struct layer *l)
{
    return l->protocol == CV_PROTO_AH ? CV_RAW_AH : l->encap ? CV_UDP_4500 : CV_RAW_ESP;
}

static uint8_t proto_of(const struct layer *l)
{
    return l->protocol == CV_PROTO_AH ? IPPROTO_NUM_AH
           : l->encap                 ? IPPROTO_NUM_UDP
                                      : IPPROTO_NUM_ESP;
}

/* layers[0] is the innermost. */
static void try_stack(const struct layer *layers, unsigned n)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, layers, n);
    const bool strips = layers[0].mode == CV_TRANSPORT && layers[0].protocol == CV_PROTO_ESP;
    const size_t from = strips ? ip_head_len(layers[0].inside_v6 ? CV_IPV6 : CV_IPV4) : 0;

    for (unsigned size = 0; size < 900; size += 1 + size / 3) {
        uint8_t want[BUF_LEN];
        size_t len;

        make_packet(f, &layers[0], size);
        set_tos(cv_packet_data(&f->pkt), 0xb8);
        len = f->pkt.len;
        memcpy(want, cv_packet_data(&f->pkt), len);
        assert_int_equal(send(f), CV_OK);
        assert_int_equal(f->way.n, n);
        assert_int_equal(f->pkt.child, n);
        assert_int_equal(f->pkt.carrier, carrier_of(&layers[n - 1]));
        assert_int_equal(f->pkt.tos, 0xb8);
        assert_int_equal(receive(f), CV_OK);
        assert_int_equal(f->pkt.verdict, CV_DELIVER);
        assert_int_equal(f->way.n, n);
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(f->way.pair[i], n - 1 - i);
            assert_int_equal(f->way.notices[i], size == 0 ? IPSEC_FIRST_IN : 0);
        }
        assert_int_equal(f->pkt.len, len);
        if (!layers[0].encap) /* else the UDP checksum is computed anew */
            assert_memory_equal(cv_packet_data(&f->pkt) + from, want + from, len - from);
    }
    done(f);
}

/* A layer of every kind from eight bits; carries what is between the hosts of network in. */
static struct layer layer_of(unsigned bits, uint8_t net, uint8_t in, bool in_v6)
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

static void every_kind_of_sa_goes_through_every_other(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 512; bits++) {
        struct layer l[2] = {layer_of(bits & 15, 2, 1, bits & 256)};

        l[1] = layer_of(bits >> 4 & 15, 3, l[0].net, l[0].v6);
        l[1].proto = proto_of(&l[0]); /* else a transport SA's packet fits both */
        l[0].nested = true;
        /* AH protects the IPv4 identification, which ESP's transport mode does not keep */
        if (l[0].protocol == CV_PROTO_AH && !l[1].v6 && l[1].protocol == CV_PROTO_ESP &&
            l[1].mode == CV_TRANSPORT)
            continue;
        try_stack(l, 2);
    }
}

static void three_tunnels_lie_in_each_other(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 64; bits++) {
        struct layer l[3] = {layer_of(bits & 1 ? 1 : 8, 2, 1, bits & 2)};

        l[1] = layer_of((bits & 4 ? 1 : 8) | (bits & 8 ? 4 : 0), 3, 2, l[0].v6);
        l[2] = layer_of((bits & 16 ? 1 : 8) | (bits & 32 ? 4 : 0), 4, 3, l[1].v6);
        l[0].nested = l[1].nested = true;
        try_stack(l, 3);
    }
}

/* ---- what is refused ---- */

static const struct layer esp_in_ah[] = {
    {CV_PROTO_ESP, CV_TRANSPORT, .nested = true, .net = 1,    .inside = 1             },
    {CV_PROTO_AH,  CV_TRANSPORT, .net = 1,       .inside = 1, .proto = IPPROTO_NUM_ESP},
};
static const struct layer tunnels[] = {
    {CV_PROTO_ESP, CV_TUNNEL, .nested = true, .net = 2,       .inside = 1},
    {CV_PROTO_ESP,            CV_TUNNEL,          .net = 3,    .inside = 2},
};

static void a_fourth_sa_is_refused_before_anything_is_sealed(void **state)
{
    static struct fixture room;
    struct layer l[4];
    struct fixture *f;

    (void)state;
    for (uint8_t i = 0; i < 4; i++) {
        l[i] = layer_of(0, (uint8_t)(i + 2), (uint8_t)(i + 1), false);
        l[i].nested = i < 3;
    }
    f = fresh(&room, l, 4);
    make_packet(f, &l[0], 30);
    assert_int_equal(send(f), CV_ERR_LIMIT);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(count(f, 0, i)->packets_out, 0);
    done(f);
}

/* A forger who holds all keys, which is the peer, gets no further than three. */
static void a_fourth_sa_inside_is_not_opened(void **state)
{
    static struct fixture room;
    struct layer l[4];
    struct fixture *f;

    (void)state;
    for (uint8_t i = 0; i < 4; i++)
        l[i] = layer_of(0, (uint8_t)(i + 2), (uint8_t)(i + 1), false);
    f = fresh(&room, l, 4);
    for (uint32_t i = 0; i < 3; i++) { /* nested for the receiver alone */
        struct ipsec_config cfg = config(&l[i], i, true);

        cfg.nested = true;
        ipsec_remove(f->p[1], i);
        assert_int_equal(ipsec_install(f->p[1], i, &cfg, 0), CV_OK);
    }
    make_packet(f, &l[0], 30);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(send(f), CV_OK);
        assert_int_equal(cv_outer_put(&f->pkt), CV_OK);
    }
    assert_int_equal(send(f), CV_OK);
    assert_int_equal(receive(f), CV_ERR_LIMIT);
    assert_int_equal(f->pkt.verdict, CV_DROP);
    assert_int_equal(count(f, 1, 0)->packets_in, 0);
    done(f);
}

static void without_the_outer_sa_nothing_leaves_and_policy_sees_what_would(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, esp_in_ah, 1);
    struct ip_flow flow;

    (void)state;
    make_packet(f, &esp_in_ah[0], 30);
    assert_int_equal(send(f), CV_ERR_NO_TUNNEL);
    assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
    assert_int_equal(flow.proto, IPPROTO_NUM_ESP);
    /* the one that this starts takes the packet that was caught */
    add(f, &esp_in_ah[1], 1);
    assert_int_equal(send(f), CV_OK);
    assert_int_equal(f->pkt.carrier, CV_RAW_AH);
    assert_int_equal(receive(f), CV_OK);
    assert_int_equal(f->way.n, 2);
    /* and when it goes again, so does the traffic */
    ipsec_remove(f->p[0], 1);
    make_packet(f, &esp_in_ah[0], 30);
    assert_int_equal(send(f), CV_ERR_NO_TUNNEL);
    done(f);
}

static void a_nested_pairs_packet_that_comes_by_itself_is_refused(void **state)
{
    static struct fixture room;
    struct layer bare = esp_in_ah[0];
    struct fixture *f;

    (void)state;
    bare.nested = false;
    f = fresh(&room, &bare, 1);
    ipsec_remove(f->p[1], 0);
    for (uint32_t i = 0; i < 2; i++) {
        const struct ipsec_config cfg = config(&esp_in_ah[i], i, true);

        assert_int_equal(ipsec_install(f->p[1], i, &cfg, 0), CV_OK);
    }
    make_packet(f, &bare, 30);
    assert_int_equal(send(f), CV_OK);
    assert_int_equal(receive(f), CV_ERR_ENCAP);
    assert_int_equal(f->pkt.verdict, CV_DROP);
    assert_int_equal(count(f, 1, 0)->drops[CV_CD_MALFORMED], 1);
    assert_int_equal(count(f, 1, 0)->packets_in, 0);
    done(f);
}

static void a_pair_never_carries_its_own_packets(void **state)
{
    static struct fixture room;
    const struct layer loop[] = {
        {CV_PROTO_ESP, CV_TUNNEL, .nested = true, .net = 1, .inside = 1},
        {CV_PROTO_ESP, CV_TUNNEL, .nested = true, .net = 1, .inside = 1},
    };
    struct fixture *f = fresh(&room, loop, 1);

    (void)state;
    make_packet(f, &loop[0], 30);
    assert_int_equal(send(f), CV_ERR_NO_TUNNEL);
    assert_int_equal(f->way.n, 1);
    add(f, &loop[1], 1);
    make_packet(f, &loop[0], 30);
    assert_int_equal(send(f), CV_ERR_NO_TUNNEL);
    assert_int_equal(f->way.n, 2);
    done(f);
}

static void what_lies_in_a_tunnel_for_another_host_or_sa_is_delivered(void **state)
{
    static struct fixture room;
    struct layer l[2] = {tunnels[0], tunnels[1]};
    struct ip_flow flow;
    struct fixture *f;

    (void)state;
    l[0].nested = false;
    f = fresh(&room, l, 2);
    for (unsigned other = 0; other < 2; other++) {
        if (other == 1) { /* nested, but at 10.9.0.2: not for us */
            struct ipsec_config cfg = config(&tunnels[0], 0, true);

            cfg.local.addr = ip4(10, 9, 0, 2);
            ipsec_remove(f->p[1], 0);
            assert_int_equal(ipsec_install(f->p[1], 0, &cfg, 0), CV_OK);
        }
        make_packet(f, &l[0], 30);
        assert_int_equal(send(f), CV_OK);
        assert_int_equal(cv_outer_put(&f->pkt), CV_OK);
        assert_int_equal(send(f), CV_OK);
        assert_int_equal(receive(f), CV_OK);
        assert_int_equal(f->pkt.verdict, CV_DELIVER);
        assert_int_equal(f->way.n, 1);
        assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
        assert_int_equal(flow.proto, IPPROTO_NUM_ESP);
    }
    done(f);
}

static void a_nested_pair_needs_to_know_both_addresses(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, tunnels, 0);
    struct ipsec_config cfg = config(&tunnels[0], 0, false);

    (void)state;
    cfg.local.addr.family = CV_ANY_FAMILY;
    assert_int_equal(ipsec_install(f->p[0], 0, &cfg, 0), CV_ERR_ARGUMENT);
    done(f);
}

/* ---- rekeying ---- */

static void either_sa_is_replaced_while_packets_go(void **state)
{
    static struct fixture room;

    (void)state;
    for (uint32_t old = 0; old < 2; old++) {
        struct fixture *f = fresh(&room, esp_in_ah, 2);

        add(f, &esp_in_ah[old], 2);
        for (unsigned removed = 0; removed < 2; removed++) {
            make_packet(f, &esp_in_ah[0], 30);
            assert_int_equal(send(f), CV_OK);
            assert_int_equal(f->way.n, 2);
            assert_int_equal(f->way.pair[old], 2); /* the new one */
            assert_int_equal(f->way.pair[1 - old], 1 - old);
            assert_int_equal(receive(f), CV_OK);
            ipsec_remove(f->p[0], old);
            ipsec_remove(f->p[1], old);
        }
        done(f);
    }
}

/* ---- sizes ---- */

static void too_big_is_known_for_the_whole_stack(void **state)
{
    static const struct layer *const stacks[] = {esp_in_ah, tunnels};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct layer l[2] = {stacks[i][0], stacks[i][1]};
        const size_t outer_head = l[1].protocol == CV_PROTO_AH ? 0 : IP4_HDR_LEN;
        struct fixture *f;
        size_t most = 0;

        l[1].mtu = 1400;
        f = fresh(&room, l, 2);
        for (size_t n = 1000; n < 1400; n++) {
            const size_t len = n + 28;

            make_packet(f, &l[0], n);
            cv_packet_data(&f->pkt)[6] |= IP4_DF >> 8;
            set_tos(cv_packet_data(&f->pkt), 0);
            if (send(f) == CV_OK) {
                assert_true(f->pkt.len + outer_head <= 1400);
                assert_true(f->pkt.df);
                assert_int_equal(most, len - 1 > 1028 ? len - 1 : most);
                most = len;
                continue;
            }
            /* still the sender's own packet, with a size that will do */
            assert_int_equal(f->pkt.err, CV_ERR_TOO_BIG);
            assert_int_equal(f->pkt.child, 1);
            assert_int_equal(f->pkt.len, len);
            assert_int_equal(ipsec_inner_mtu(f->p[0], 0), most);
        }
        assert_true(most > 1200 && most < 1400 - 60);
        ipsec_learn_mtu(f->p[0], 1, 1300, 0);
        make_packet(f, &l[0], most - 28);
        cv_packet_data(&f->pkt)[6] |= IP4_DF >> 8;
        set_tos(cv_packet_data(&f->pkt), 0);
        assert_int_equal(send(f), CV_ERR_TOO_BIG);
        done(f);
    }
}

static void what_may_be_fragmented_is_so_outside_all_sas(void **state)
{
    static struct fixture room;

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct layer l[2] = {tunnels[0], tunnels[1]};
        struct fixture *f;

        l[1].mtu = 1400;
        l[0].v6 = l[1].v6 = l[1].inside_v6 = v6;
        f = fresh(&room, l, 2);
        make_packet(f, &l[0], 1500);
        assert_int_equal(send(f), CV_OK);
        assert_false(f->pkt.df);
        assert_int_equal(receive(f), CV_OK);
        assert_int_equal(f->way.n, 2);
        done(f);
    }
}

static void room_that_is_missing_is_noticed_everywhere(void **state)
{
    static struct fixture room;
    struct layer l[3];
    struct fixture *f;
    bool fits = false;

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        l[i] = layer_of(i == 1 ? 5 : 12, (uint8_t)(i + 2), (uint8_t)(i + 1), i > 0);
        l[i].nested = i < 2;
    }
    f = fresh(&room, l, 3);
    for (size_t off = 0; off <= ROOM; off++) {
        make_packet(f, &l[0], 30);
        memmove(f->buf + off, f->buf + ROOM, f->pkt.len);
        f->pkt.off = off;
        assert_true(send(f) == CV_OK || (!fits && f->pkt.err == CV_ERR_NO_ROOM));
        fits = f->pkt.err == CV_OK;
    }
    assert_true(fits);
    fits = false;
    for (size_t tail = 0; tail <= CV_NESTED_MAX * CV_TAILROOM; tail++) {
        make_packet(f, &l[0], 30);
        f->pkt.cap = f->pkt.off + f->pkt.len + tail;
        assert_true(send(f) == CV_OK || (!fits && f->pkt.err == CV_ERR_NO_ROOM));
        fits = f->pkt.err == CV_OK;
    }
    assert_true(fits);
    done(f);
}

/* ---- by hand ---- */

static struct cv_sa_config sa_config(const struct layer *l, bool right)
{
    const struct ipsec_config cfg = config(l, l->protocol, right);

    return (struct cv_sa_config){
        .crypto = &cv_crypto_openssl,
        .protocol = l->protocol,
        .mode = l->mode,
        .spi = cfg.spi_out,
        .encr = cfg.suite.encr,
        .encr_bits = cfg.suite.encr_bits,
        .integ = cfg.suite.integ,
        .key = cfg.key_out,
        .local = cfg.local,
        .remote = cfg.remote,
        .encap = l->encap,
    };
}

static void ah_around_esp_composes_by_hand(void **state)
{
    static struct fixture f;
    uint8_t want[BUF_LEN];

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct cv_sa esp, ah;
        struct layer l[2] = {esp_in_ah[0], esp_in_ah[1]};
        struct cv_sa_config cfg;
        size_t len;

        l[0].v6 = l[0].inside_v6 = l[1].v6 = l[1].inside_v6 = v6;
        l[0].encap = v6;
        cfg = sa_config(&l[0], false);
        assert_int_equal(cv_sa_init(&esp, &cfg), CV_OK);
        cfg = sa_config(&l[1], false);
        assert_int_equal(cv_sa_init(&ah, &cfg), CV_OK);
        make_packet(&f, &l[0], 100);
        len = f.pkt.len;
        memcpy(want, cv_packet_data(&f.pkt), len);
        assert_int_equal(cv_sa_seal(&esp, &f.pkt), CV_OK);
        assert_int_equal(cv_outer_put(&f.pkt), CV_OK);
        assert_int_equal(cv_sa_seal(&ah, &f.pkt), CV_OK);
        assert_int_equal(f.pkt.carrier, CV_RAW_AH);

        assert_int_equal(cv_sa_open(&ah, &f.pkt), CV_OK);
        assert_int_equal(cv_outer_take(&f.pkt), CV_OK);
        assert_int_equal(f.pkt.carrier, v6 ? CV_UDP_4500 : CV_RAW_ESP);
        assert_true(addr_equal(&f.pkt.remote.addr, &cfg.local.addr));
        assert_int_equal(cv_sa_open(&esp, &f.pkt), CV_OK);
        assert_int_equal(f.pkt.len, len);
        assert_memory_equal(cv_packet_data(&f.pkt) + (v6 ? 48 : 28), want + (v6 ? 48 : 28),
                            len - (v6 ? 48 : 28));
        cv_sa_close(&esp);
        cv_sa_close(&ah);
    }
}

static void outer_headers_that_lie_are_refused(void **state)
{
    static struct fixture f;
    struct layer l = esp_in_ah[0];
    struct cv_sa esp;
    struct cv_sa_config cfg;
    struct cv_packet was;

    (void)state;
    l.encap = true;
    cfg = sa_config(&l, false);
    assert_int_equal(cv_sa_init(&esp, &cfg), CV_OK);
    make_packet(&f, &l, 100);
    was = f.pkt;
    assert_int_equal(cv_outer_take(&f.pkt), CV_OK); /* UDP, and no marker in it */
    f.pkt = was;
    assert_int_equal(cv_sa_seal(&esp, &f.pkt), CV_OK);
    f.pkt.local.addr.family = CV_IPV6;
    assert_int_equal(cv_outer_put(&f.pkt), CV_ERR_ARGUMENT);
    f.pkt.local.addr.family = CV_IPV4;
    assert_int_equal(cv_outer_put(&f.pkt), CV_OK);
    for (size_t n = 0; n < f.pkt.len; n++) {
        struct cv_packet cut = f.pkt;

        cut.len = n;
        assert_int_not_equal(cv_outer_take(&cut), CV_OK);
        assert_int_equal(cut.off, f.pkt.off);
        assert_int_equal(cut.len, n);
    }
    f.buf[f.pkt.off + 25]++; /* a UDP length beyond the packet */
    assert_int_equal(cv_outer_take(&f.pkt), CV_ERR_MALFORMED);
    f.buf[f.pkt.off + 25]--;
    memset(&f.buf[f.pkt.off + 28], 0, 4); /* IKE */
    assert_int_equal(cv_outer_take(&f.pkt), CV_ERR_NEXT_HEADER);
    cv_sa_close(&esp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_sa_goes_through_every_other),
        cmocka_unit_test(three_tunnels_lie_in_each_other),
        cmocka_unit_test(a_fourth_sa_is_refused_before_anything_is_sealed),
        cmocka_unit_test(a_fourth_sa_inside_is_not_opened),
        cmocka_unit_test(without_the_outer_sa_nothing_leaves_and_policy_sees_what_would),
        cmocka_unit_test(a_nested_pairs_packet_that_comes_by_itself_is_refused),
        cmocka_unit_test(a_pair_never_carries_its_own_packets),
        cmocka_unit_test(what_lies_in_a_tunnel_for_another_host_or_sa_is_delivered),
        cmocka_unit_test(a_nested_pair_needs_to_know_both_addresses),
        cmocka_unit_test(either_sa_is_replaced_while_packets_go),
        cmocka_unit_test(too_big_is_known_for_the_whole_stack),
        cmocka_unit_test(what_may_be_fragmented_is_so_outside_all_sas),
        cmocka_unit_test(room_that_is_missing_is_noticed_everywhere),
        cmocka_unit_test(ah_around_esp_composes_by_hand),
        cmocka_unit_test(outer_headers_that_lie_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
