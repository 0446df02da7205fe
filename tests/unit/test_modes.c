/* The data plane in every mode: ESP and AH, tunnel and transport, all four pairings of IP
 * versions, with and without UDP; and what transport mode alone must watch.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ipsec/esp.h"
#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"

enum { PAIR = 0, MEM_LEN = 8192, LEFT_SPI = 0x0d000001, RIGHT_SPI = 0x6a000001 };

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

static struct cv_addr outer_ip(const struct way *w, bool right)
{
    return w->outer6 ? ip6(9, right ? 2 : 1) : ip4(192, 0, 2, right ? 2 : 1);
}

static struct cv_addr inner_ip(const struct way *w, bool right)
{
    if (w->mode == CV_TRANSPORT)
        return outer_ip(w, right);
    return w->inner6 ? ip6(1, right ? 2 : 1) : ip4(10, 0, 0, right ? 2 : 1);
}

static struct ipsec_config config(const struct way *w, bool right)
{
    return (struct ipsec_config){
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

static void init_side(struct side *s, const struct ipsec_config *cfg)
{
    struct arena a = {.p = s->mem, .cap = sizeof(s->mem)};

    memset(s->mem, 0, sizeof(s->mem));
    s->p = ipsec_init(&a, 1, &cv_crypto_openssl, SEED);
    assert_non_null(s->p);
    assert_int_equal(ipsec_install(s->p, PAIR, cfg, 0), CV_OK);
    ipsec_use_out(s->p, PAIR);
}

static struct fixture *fresh(struct fixture *f, const struct way *w)
{
    struct ipsec_config left = config(w, false), right = config(w, true);

    left.suite.esn = right.suite.esn = w->esn;
    init_side(&f->left, &left);
    init_side(&f->right, &right);
    return f;
}

static void done(struct fixture *f)
{
    ipsec_close(f->left.p);
    ipsec_close(f->right.p);
}

static enum cv_err send_left(struct fixture *f)
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
static enum cv_err receive_right(struct fixture *f)
{
    const struct cv_endpoint from = f->pkt.local;

    f->pkt.local = f->pkt.remote;
    f->pkt.remote = from;
    ipsec_in(f->right.p, &f->pkt, 2000, &f->way);
    return f->pkt.err;
}

/* f->pkt becomes a UDP packet from left to right with a checksum that is right. */
static void make_packet(struct fixture *f, const struct way *w, size_t n)
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

static bool upper_checksum_is_right(const struct cv_packet *pkt)
{
    const struct cv_span packet = span(cv_packet_data(pkt), pkt->len);
    struct ip_flow flow;

    assert_int_equal(ip_parse(&flow, packet), CV_OK);
    assert_int_equal(flow.total_len, pkt->len);
    return ip_upper_checksum(&flow.src, &flow.dst, flow.proto,
                             span(packet.p + flow.hdr_len, packet.n - flow.hdr_len)) == 0;
}

/* The IP header of a transport mode packet is the host's own; what is behind it is not. */
static void check_arrived(const struct way *w, const struct cv_packet *pkt, const uint8_t *want,
                          size_t len)
{
    size_t from = 0;

    if (w->mode == CV_TRANSPORT && w->protocol == CV_PROTO_ESP)
        from = ip_head_len(outer_ip(w, false).family);
    assert_int_equal(pkt->verdict, CV_DELIVER);
    assert_int_equal(pkt->len, len);
    assert_memory_equal(cv_packet_data(pkt) + from, want + from, len - from);
    assert_true(upper_checksum_is_right(pkt));
}

static void try_way(const struct way *w)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, w);
    uint8_t want[BUF_LEN];

    for (size_t n = 0; n < 300; n += 1 + n / 5) {
        size_t len;

        make_packet(f, w, n);
        set_tos(cv_packet_data(&f->pkt), 0xb8);
        len = f->pkt.len;
        memcpy(want, cv_packet_data(&f->pkt), len);
        assert_int_equal(send_left(f), CV_OK);
        assert_int_equal(f->pkt.carrier, w->protocol == CV_PROTO_AH ? CV_RAW_AH
                                         : w->encap                 ? CV_UDP_4500
                                                                    : CV_RAW_ESP);
        assert_int_equal(f->pkt.tos, 0xb8);
        assert_int_equal(receive_right(f), CV_OK);
        check_arrived(w, &f->pkt, want, len);
    }
    done(f);
}

static void packets_arrive_in_every_mode_family_and_suite(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++) {
        struct way w = {
            .protocol = bits & 1 ? CV_PROTO_AH : CV_PROTO_ESP,
            .mode = bits & 2 ? CV_TRANSPORT : CV_TUNNEL,
            .outer6 = bits & 4,
            .inner6 = bits & 8,
            .encap = !(bits & 1) && bits & 16,
            .esn = bits & 16,
        };
        const unsigned n = bits & 1 ? N_AH_SUITES : N_SUITES;

        for (unsigned i = 0; i < n; i++) {
            w.suite = bits & 1 ? &ah_suites[i] : &suites[i];
            try_way(&w);
        }
    }
}

/* Every bit of a packet outside that no router may change. */
static void try_flips(const struct way *w)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, w);
    const uint8_t *drops = (const uint8_t *)ipsec_counters(f->right.p, PAIR)->drops;
    const size_t n_drops = sizeof(ipsec_counters(f->right.p, PAIR)->drops);
    static uint8_t before[MEM_LEN], wire[BUF_LEN];
    struct cv_packet sent;
    size_t accepted = 0;

    for (unsigned i = 0; i < 3; i++) {
        make_packet(f, w, 30);
        assert_int_equal(send_left(f), CV_OK);
    }
    sent = f->pkt;
    memcpy(wire, f->buf, sizeof(wire));
    memcpy(before, f->right.mem, MEM_LEN);
    for (size_t bit = 0; bit < sent.len * 8; bit++) {
        f->pkt = sent;
        memcpy(f->buf, wire, sizeof(wire));
        f->buf[sent.off + bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (receive_right(f) == CV_OK) {
            /* mutable; the packet is what was sent, but the next will be a replay */
            accepted++;
            done(f);
            fresh(f, w);
            continue;
        }
        assert_int_equal(f->pkt.verdict, CV_DROP);
        memset(f->right.mem + (drops - f->right.mem), 0, n_drops);
        if (accepted == 0)
            assert_memory_equal(before, f->right.mem, MEM_LEN);
    }
    /* IPv4: the checksum guards every mutable field.  IPv6: class, label, hop limit, and
     * AH's two reserved octets are authentic. */
    assert_int_equal(accepted, w->protocol == CV_PROTO_AH && w->outer6 ? 4 + 24 + 8 : 0);
    done(f);
}

static void flipped_bit_is_dropped_and_changes_no_state(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 8; bits++) {
        const struct way w = {
            .protocol = bits & 1 ? CV_PROTO_AH : CV_PROTO_ESP,
            .mode = bits & 2 ? CV_TRANSPORT : CV_TUNNEL,
            .outer6 = bits & 4,
            .suite = bits & 1 ? &ah_suites[4] : &suites[0],
        };

        try_flips(&w);
    }
}

static void replay_is_refused_in_every_mode(void **state)
{
    static struct fixture room;

    (void)state;
    for (unsigned bits = 0; bits < 4; bits++) {
        const struct way w = {
            .protocol = bits & 1 ? CV_PROTO_AH : CV_PROTO_ESP,
            .mode = bits & 2 ? CV_TRANSPORT : CV_TUNNEL,
            .suite = bits & 1 ? &ah_suites[4] : &suites[0],
        };
        struct fixture *f = fresh(&room, &w);
        uint8_t wire[BUF_LEN];
        struct cv_packet sent;

        make_packet(f, &w, 30);
        assert_int_equal(send_left(f), CV_OK);
        sent = f->pkt;
        memcpy(wire, f->buf, sizeof(wire));
        assert_int_equal(receive_right(f), CV_OK);
        f->pkt = sent;
        memcpy(f->buf, wire, sizeof(wire));
        assert_int_equal(receive_right(f), CV_ERR_REPLAY);
        done(f);
    }
}

/* ---- transport mode ---- */

static const struct way esp_transport = {
    .protocol = CV_PROTO_ESP, .mode = CV_TRANSPORT, .suite = &suites[0]};
static const struct way esp_transport_udp = {
    .protocol = CV_PROTO_ESP, .mode = CV_TRANSPORT, .encap = true, .suite = &suites[0]};
static const struct way ah_transport = {
    .protocol = CV_PROTO_AH, .mode = CV_TRANSPORT, .suite = &ah_suites[4]};

static void fragments_do_not_go_through_transport_mode(void **state)
{
    static const struct way *const ways[] = {&esp_transport, &ah_transport};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture *f = fresh(&room, ways[i]);
        struct cv_packet was;

        make_packet(f, ways[i], 30);
        cv_packet_data(&f->pkt)[6] = 0x20; /* more fragments */
        set_tos(cv_packet_data(&f->pkt), 0);
        was = f->pkt;
        assert_int_equal(send_left(f), CV_ERR_FRAGMENT);
        assert_int_equal(f->pkt.verdict, CV_DROP);
        assert_int_equal(f->pkt.off, was.off);
        assert_int_equal(f->pkt.len, was.len);
        assert_int_equal(ipsec_counters(f->left.p, PAIR)->packets_out, 0);
        done(f);
    }
}

/* A NAT in the middle: right sees left under another address, and its selectors name it. */
static void checksum_is_made_right_behind_a_nat(void **state)
{
    static struct fixture room, *f = &room;
    struct ipsec_config left = config(&esp_transport_udp, false);
    struct ipsec_config right = config(&esp_transport_udp, true);
    const struct cv_addr nat = ip4(203, 0, 113, 5);
    struct ip_flow flow;

    (void)state;
    right.remote.addr = nat;
    right.remote_ts = ts_one(ts_host(nat));
    init_side(&f->left, &left);
    init_side(&f->right, &right);
    make_packet(f, &esp_transport_udp, 31);
    assert_int_equal(send_left(f), CV_OK);
    f->pkt.local = (struct cv_endpoint){nat, 1024};
    assert_int_equal(receive_right(f), CV_OK);
    assert_true(upper_checksum_is_right(&f->pkt));
    assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
    assert_true(addr_equal(&flow.src, &nat));
    assert_int_equal(flow.sport, 40000);
    done(f);
}

static void udp_packet_without_a_checksum_stays_without(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, &esp_transport_udp);
    const uint8_t *udp;

    (void)state;
    make_packet(f, &esp_transport_udp, 5);
    cv_packet_data(&f->pkt)[26] = cv_packet_data(&f->pkt)[27] = 0;
    assert_int_equal(send_left(f), CV_OK);
    assert_int_equal(receive_right(f), CV_OK);
    udp = cv_packet_data(&f->pkt) + 20;
    assert_int_equal(udp[6] | udp[7], 0);
    done(f);
}

static void packet_from_an_address_outside_the_selectors_is_dropped(void **state)
{
    static const struct way *const ways[] = {&esp_transport, &ah_transport};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture *f = &room;
        struct ipsec_config left = config(ways[i], false), right = config(ways[i], true);

        right.remote_ts = ts_one(ts_host(ip4(192, 0, 2, 77)));
        init_side(&f->left, &left);
        init_side(&f->right, &right);
        make_packet(f, ways[i], 5);
        assert_int_equal(send_left(f), CV_OK);
        assert_int_equal(receive_right(f), CV_ERR_SELECTOR);
        assert_int_equal(f->pkt.verdict, CV_DROP);
        done(f);
    }
}

static void packet_to_another_address_than_the_peers_does_not_go_out(void **state)
{
    static struct fixture room, *f = &room;
    struct ipsec_config left = config(&esp_transport, false);
    struct ipsec_config right = config(&esp_transport, true);

    (void)state;
    left.remote_ts = ts_one(ts_any(CV_IPV4));
    init_side(&f->left, &left);
    init_side(&f->right, &right);
    make_packet(f, &esp_transport, 5);
    f->pkt.len = make_udp(f->buf + CV_HEADROOM, ip4(192, 0, 2, 1), ip4(192, 0, 2, 9), 1, 2, 5);
    assert_int_equal(send_left(f), CV_ERR_SELECTOR);
    done(f);
}

/* The sealed payload of a hostile peer, whatever it likes. */
static enum cv_err receive_payload(struct fixture *f, const struct way *w, uint8_t next_header,
                                   const uint8_t *payload, size_t n)
{
    struct esp_sa sa;

    assert_int_equal(esp_sa_open(&sa, &cv_crypto_openssl, &w->suite->suite, RIGHT_SPI,
                                 span(keymat[1], w->suite->key_len)),
                     CV_OK);
    f->pkt = packet_in(f->buf, n);
    memcpy(cv_packet_data(&f->pkt), payload, n);
    assert_int_equal(esp_seal(&sa, &f->pkt, next_header), CV_OK);
    esp_sa_close(&sa);
    f->pkt.carrier = w->encap ? CV_UDP_4500 : CV_RAW_ESP;
    f->pkt.local = (struct cv_endpoint){outer_ip(w, true), 0};
    f->pkt.remote = (struct cv_endpoint){outer_ip(w, false), 0};
    ipsec_in(f->right.p, &f->pkt, 0, &f->way);
    return f->pkt.err;
}

static void hostile_payload_in_transport_mode_is_dropped(void **state)
{
    static const struct way w6 = {.protocol = CV_PROTO_ESP,
                                  .mode = CV_TRANSPORT,
                                  .outer6 = true,
                                  .encap = true,
                                  .suite = &suites[0]};
    static const uint8_t zeros[64];
    static struct fixture room;
    static const struct {
        uint8_t next_header, first;
        size_t n;
        enum cv_err want;
    } cases[] = {
        {IPPROTO_NUM_HOP_BY_HOP,   0,                    8,  CV_ERR_NEXT_HEADER},
        {IPPROTO_NUM_ROUTING,      0,                    8,  CV_ERR_NEXT_HEADER},
        {IPPROTO_NUM_FRAGMENT,     0,                    8,  CV_ERR_NEXT_HEADER},
        {IPPROTO_NUM_DEST_OPTIONS, 0,                    7,  CV_ERR_INNER      },
        {IPPROTO_NUM_DEST_OPTIONS, 0,                    0,  CV_ERR_INNER      },
        {IPPROTO_NUM_DEST_OPTIONS, IPPROTO_NUM_FRAGMENT, 9,  CV_ERR_INNER      },
        {IPPROTO_NUM_DEST_OPTIONS, IPPROTO_NUM_FRAGMENT, 20, CV_ERR_FRAGMENT   },
        {IPPROTO_NUM_UDP,          0,                    0,  CV_OK             },
        {IPPROTO_NUM_UDP,          0,                    7,  CV_OK             },
        {IPPROTO_NUM_TCP,          0,                    17, CV_OK             },
        {IPPROTO_NUM_ICMPV6,       128,                  3,  CV_OK             },
        {IPPROTO_NUM_NONE,         0,                    9,  CV_OK             },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture *f = fresh(&room, &w6);
        uint8_t payload[64];

        memcpy(payload, zeros, sizeof(payload));
        payload[0] = cases[i].first;
        payload[8] = IPPROTO_NUM_UDP; /* behind the first header, a fragment's */
        payload[11] = 1;              /* more fragments */
        assert_int_equal(receive_payload(f, &w6, cases[i].next_header, payload, cases[i].n),
                         cases[i].want);
        done(f);
    }
}

static void carrier_of_the_other_protocol_is_refused(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room, &ah_transport);
    struct ipsec_config cfg = config(&ah_transport, false);

    (void)state;
    make_packet(f, &ah_transport, 5);
    assert_int_equal(send_left(f), CV_OK);
    f->pkt.off += 20 + 4; /* SPI and number, as if it were ESP */
    f->pkt.len -= 20 + 4;
    f->pkt.carrier = CV_RAW_ESP;
    assert_int_equal(receive_right(f), CV_ERR_ENCAP);
    ipsec_remove(f->left.p, PAIR);
    cfg.encap = true;
    assert_int_equal(ipsec_install(f->left.p, PAIR, &cfg, 0), CV_ERR_UNSUPPORTED);
    cfg.encap = false;
    cfg.local.addr.family = CV_IPV6;
    assert_int_equal(ipsec_install(f->left.p, PAIR, &cfg, 0), CV_ERR_ARGUMENT);
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_arrive_in_every_mode_family_and_suite),
        cmocka_unit_test(flipped_bit_is_dropped_and_changes_no_state),
        cmocka_unit_test(replay_is_refused_in_every_mode),
        cmocka_unit_test(fragments_do_not_go_through_transport_mode),
        cmocka_unit_test(checksum_is_made_right_behind_a_nat),
        cmocka_unit_test(udp_packet_without_a_checksum_stays_without),
        cmocka_unit_test(packet_from_an_address_outside_the_selectors_is_dropped),
        cmocka_unit_test(packet_to_another_address_than_the_peers_does_not_go_out),
        cmocka_unit_test(hostile_payload_in_transport_mode_is_dropped),
        cmocka_unit_test(carrier_of_the_other_protocol_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
