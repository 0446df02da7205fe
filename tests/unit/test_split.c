/* src/ipsec/split.c: an inner packet in pieces, and the plane that asks for it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipsec/ipsec.h"
#include "ipsec/split.h"
#include "tests/support/ipsec_fixture.h"

enum { BIG = 4096, MEM_LEN = 8192, SPI = 1000, MTU = 1400 };

static const uint64_t SEED[2] = {1, 2};

/* An IPv4 packet of n octets: this header, whose lengths and checksum are filled in, and 0, 1,
 * 2 ... behind it. */
static struct cv_packet packet(uint8_t *buf, size_t cap, const uint8_t *header, size_t hdr_len,
                               size_t n)
{
    struct cv_packet pkt = {.buf = buf, .cap = cap, .off = CV_HEADROOM, .len = n};
    uint8_t *p = cv_packet_data(&pkt);

    for (size_t i = 0; i < n; i++)
        p[i] = i < hdr_len ? header[i] : (uint8_t)(i - hdr_len);
    ip_patch(p, n, 9, p[9]);
    return pkt;
}

static void pieces_of_a_plain_packet_are_as_the_rfc_says(void **state)
{
    /* clang-format off */
    static const uint8_t header[20] = {
        0x45, 0xb8, 0, 0, 0x12, 0x34, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
    static const uint8_t want[3][20 + 20] = {
        {0x45, 0xb8, 0, 36, 0x12, 0x34, 0x20, 0, 64, 17, 0x33, 0xdb, 10, 0, 0, 1, 10, 0, 0, 2,
         0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {0x45, 0xb8, 0, 36, 0x12, 0x34, 0x20, 2, 64, 17, 0x33, 0xd9, 10, 0, 0, 1, 10, 0, 0, 2,
         16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31},
        {0x45, 0xb8, 0, 33, 0x12, 0x34, 0, 4, 64, 17, 0x53, 0xda, 10, 0, 0, 1, 10, 0, 0, 2,
         32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44},
    };
    /* clang-format on */
    uint8_t room[256], other[256];
    struct cv_packet pkt = packet(room, sizeof(room), header, 20, 20 + 45);
    struct cv_packet first = {.buf = other, .cap = sizeof(other), .off = CV_HEADROOM};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(split_first(&pkt, 43, &first), CV_OK); /* 20 + 23: two units of 8 */
        assert_int_equal(first.len, 36);
        assert_memory_equal(cv_packet_data(&first), want[i], 36);
    }
    assert_int_equal(pkt.len, 33);
    assert_memory_equal(cv_packet_data(&pkt), want[2], 33);
    assert_int_equal(split_first(&pkt, 43, &first), CV_ERR_ARGUMENT);
}

static void later_pieces_have_the_options_that_are_to_be_copied(void **state)
{
    /* clang-format off */
    /* record route (not copied), router alert (copied), no-operation, security (copied) */
    static const uint8_t header[48] = {
        0x4c, 0, 0, 0, 0, 7, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 148, 4, 0, 0, 1, 130, 3, 9, 131, 3, 4, 0, 0, 0, 0, 0, 0};
    static const uint8_t want[32] = {
        0x48, 0, 0, 0, 0, 7, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        148, 4, 0, 0, 130, 3, 9, 131, 3, 4, 0, 0};
    /* clang-format on */
    uint8_t room[256], other[256];
    struct cv_packet pkt = packet(room, sizeof(room), header, 48, 48 + 30);
    struct cv_packet first = {.buf = other, .cap = sizeof(other), .off = CV_HEADROOM};
    const uint8_t *rest;
    struct ip_flow f;

    (void)state;
    assert_int_equal(split_first(&pkt, 64, &first), CV_OK);
    assert_int_equal(first.len, 48 + 16);
    assert_memory_equal(cv_packet_data(&first) + 20, header + 20, 28);
    rest = cv_packet_data(&pkt);
    assert_int_equal(pkt.len, 32 + 14);
    assert_int_equal(ip_parse(&f, span(rest, pkt.len)), CV_OK);
    assert_int_equal(f.total_len, pkt.len);
    assert_int_equal(rest[0], want[0]);
    assert_int_equal(rest[7], 2);
    assert_memory_equal(rest + 20, want + 20, 12);
    for (unsigned i = 0; i < 14; i++)
        assert_int_equal(rest[32 + i], 16 + i);
}

static void a_fragment_is_cut_again(void **state)
{
    /* clang-format off */
    static const uint8_t header[20] = {
        0x45, 0, 0, 0, 0, 9, 0x20, 0x10, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
    /* clang-format on */
    uint8_t room[256], other[256];
    struct cv_packet pkt = packet(room, sizeof(room), header, 20, 20 + 64);
    struct cv_packet first = {.buf = other, .cap = sizeof(other), .off = CV_HEADROOM};

    (void)state;
    assert_int_equal(split_first(&pkt, 60, &first), CV_OK);
    assert_int_equal(cv_packet_data(&first)[6], 0x20);
    assert_int_equal(cv_packet_data(&first)[7], 0x10);
    assert_int_equal(cv_packet_data(&pkt)[6], 0x20); /* the rest is not the last one either */
    assert_int_equal(cv_packet_data(&pkt)[7], 0x15);
    assert_int_equal(pkt.len, 20 + 24);
}

static void what_cannot_be_cut_stays_as_it_was(void **state)
{
    /* clang-format off */
    static const uint8_t plain[24] = {
        0x46, 0, 0, 0, 0, 9, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0};
    static const struct { uint8_t at, value; size_t mtu, room; enum cv_err want; } cases[] = {
        {1,  0,    60, 256, CV_OK},
        {6,  0x40, 60, 256, CV_ERR_TOO_BIG},   /* DF */
        {1,  0,    31, 256, CV_ERR_TOO_BIG},
        {1,  0,    32, 256, CV_OK},
        {1,  0,    60, CV_HEADROOM + 55, CV_ERR_NO_ROOM},
        {1,  0,    60, CV_HEADROOM + 56, CV_OK},
        {1,  0,    60, CV_HEADROOM - 1,  CV_ERR_NO_ROOM},
        {20, 7,    60, 256, CV_ERR_MALFORMED}, /* an option of one octet */
        {23, 7,    60, 256, CV_ERR_MALFORMED}, /* one that goes on past the header */
        {6,  0x1f, 60, 256, CV_OK},            /* offset 0x1f00 */
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t header[24], room[256], was[256], other[256];
        struct cv_packet pkt, before;
        struct cv_packet first = {.buf = other, .cap = cases[i].room, .off = CV_HEADROOM};

        memcpy(header, plain, sizeof(header));
        header[cases[i].at] = cases[i].value;
        pkt = before = packet(room, sizeof(room), header, 24, 100);
        memcpy(was, room + CV_HEADROOM, 100);
        assert_int_equal(split_first(&pkt, cases[i].mtu, &first), cases[i].want);
        if (cases[i].want == CV_OK)
            continue;
        assert_int_equal(pkt.off, before.off);
        assert_int_equal(pkt.len, before.len);
        assert_memory_equal(cv_packet_data(&pkt), was, 100);
    }
}

static void a_piece_past_the_largest_offset_is_refused(void **state)
{
    /* clang-format off */
    static const uint8_t header[20] = {
        0x45, 0, 0, 0, 0, 9, 0x1f, 0xfe, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
    /* clang-format on */
    uint8_t room[256], other[256];
    struct cv_packet pkt = packet(room, sizeof(room), header, 20, 60);
    struct cv_packet first = {.buf = other, .cap = sizeof(other), .off = CV_HEADROOM};

    (void)state;
    assert_int_equal(split_first(&pkt, 36, &first), CV_ERR_MALFORMED);
    assert_int_equal(split_first(&pkt, 28, &first), CV_OK);
    assert_int_equal(split_first(&pkt, 28, &first), CV_ERR_MALFORMED);
}

/* ---- the plane ---- */

struct fixture {
    _Alignas(max_align_t) uint8_t mem[MEM_LEN];
    struct ipsec *p;
};

static struct fixture *fresh(struct fixture *f, uint8_t protocol, bool split, struct cv_ts ts)
{
    struct arena a = {.p = f->mem, .cap = sizeof(f->mem)};
    const struct named_suite *s = &suites[protocol == CV_PROTO_AH ? 13 : 0];
    struct cv_pair_config cfg = {
        .spi_in = SPI,
        .spi_out = SPI,
        .protocol = protocol,
        .suite = s->suite,
        .key_in = span(keymat[0], s->key_len),
        .key_out = span(keymat[0], s->key_len),
        .local_ts = ts_one(ts_any(CV_IPV4)),
        .remote_ts = ts_one(ts),
        .local = {ip4(192, 0, 2, 1), 0},
        .remote = {ip4(192, 0, 2, 2), 0},
        .mtu = MTU,
        .split = split,
    };

    if (protocol == CV_PROTO_AH)
        cfg.suite.encr = 0;
    memset(f, 0, sizeof(*f));
    f->p = ipsec_init(&a, 1, 0, &cv_crypto_openssl, SEED);
    assert_int_equal(ipsec_install(f->p, 0, &cfg, 0), CV_OK);
    ipsec_use_out(f->p, 0);
    return f;
}

static void send(struct fixture *f, struct cv_packet *pkt)
{
    struct ipsec_way way;

    ipsec_out(f->p, pkt, 0, &way);
    assert_int_equal(pkt->err, CV_OK);
}

/* The peer opens a packet of f's, which has the same keys both ways. */
static void collect(struct fixture *f, struct cv_packet *pkt, uint8_t *whole)
{
    struct ipsec_way way;
    size_t at;

    assert_int_equal(pkt->verdict, CV_TRANSMIT);
    assert_true(pkt->len + (pkt->carrier == CV_RAW_AH ? 0 : 20) <= MTU);
    ipsec_in(f->p, pkt, 0, &way);
    assert_int_equal(pkt->err, CV_OK);
    at = ((size_t)(cv_packet_data(pkt)[6] & 0x1f) << 8 | cv_packet_data(pkt)[7]) * 8;
    memcpy(whole + at, cv_packet_data(pkt) + 20, pkt->len - 20);
}

static void a_packet_through_the_plane_arrives_in_pieces_that_fit(void **state)
{
    static const uint8_t protocols[] = {CV_PROTO_ESP, CV_PROTO_AH};
    static struct fixture rooms[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct fixture *f = fresh(&rooms[i], protocols[i], true, ts_any(CV_IPV4));
        struct fixture *peer = fresh(&rooms[1 - i], protocols[i], true, ts_any(CV_IPV4));
        uint8_t buf[BIG], part[BIG], want[BIG], whole[BIG] = {0};
        struct cv_packet pkt = {.buf = buf, .cap = sizeof(buf), .off = CV_HEADROOM};
        unsigned n = 0;

        make_udp(part, ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 1, 2, 1);
        pkt = packet(buf, sizeof(buf), part, 28, 3500);
        memcpy(want, cv_packet_data(&pkt) + 20, 3480);
        for (send(f, &pkt); pkt.verdict == CV_SPLIT; send(f, &pkt), n++) {
            struct cv_packet first = {.buf = part, .cap = BIG, .off = CV_HEADROOM};

            assert_int_equal(split_first(&pkt, ipsec_inner_mtu(f->p, 0), &first), CV_OK);
            send(f, &first);
            collect(peer, &first, whole);
        }
        collect(peer, &pkt, whole);
        assert_int_equal(n, 2);
        assert_memory_equal(whole, want, 3480);
        ipsec_close(f->p);
        ipsec_close(peer->p);
    }
}

static void only_what_may_be_cut_is(void **state)
{
    struct cv_ts port = ts_any(CV_IPV4);
    /* clang-format off */
    const struct { bool split, df, narrow; size_t n; uint8_t want; } cases[] = {
        {true,  false, false, 1500, CV_SPLIT},
        {true,  false, false, 1200, CV_TRANSMIT},
        {true,  true,  false, 1500, CV_DROP},
        {true,  false, true,  1500, CV_TRANSMIT}, /* later fragments have no port */
        {false, false, false, 1500, CV_TRANSMIT},
    };
    /* clang-format on */
    static struct fixture room;

    (void)state;
    port.proto = IPPROTO_NUM_UDP;
    port.port_lo = port.port_hi = 2;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture *f = fresh(&room, CV_PROTO_ESP, cases[i].split,
                                  cases[i].narrow ? port : ts_any(CV_IPV4));
        uint8_t buf[BUF_LEN];
        struct ipsec_way way;
        struct cv_packet pkt =
            packet_in(buf, make_udp(buf + CV_HEADROOM, ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 1, 2,
                                    cases[i].n - 28));

        cv_packet_data(&pkt)[6] = cases[i].df ? 0x40 : 0;
        set_tos(cv_packet_data(&pkt), 0);
        ipsec_out(f->p, &pkt, 0, &way);
        assert_int_equal(pkt.verdict, cases[i].want);
        assert_int_equal(pkt.err, cases[i].want == CV_DROP ? CV_ERR_TOO_BIG : CV_OK);
        ipsec_close(f->p);
    }
}

static void later_fragments_pass_selectors_of_ports_only_where_those_are_opaque(void **state)
{
    static const struct {
        uint16_t lo, hi;
        enum cv_err want;
    } cases[] = {
        {0,          UINT16_MAX, CV_OK           },
        {2,          2,          CV_ERR_NO_TUNNEL},
        {UINT16_MAX, 0,          CV_OK           }, /* OPAQUE, RFC 4301 section 7.2 */
    };
    static struct fixture room;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cv_ts ts = ts_any(CV_IPV4);
        uint8_t buf[BUF_LEN];
        struct fixture *f;
        struct cv_packet pkt;
        struct ipsec_way way;

        ts.proto = IPPROTO_NUM_UDP;
        ts.port_lo = cases[i].lo;
        ts.port_hi = cases[i].hi;
        f = fresh(&room, CV_PROTO_ESP, true, ts);
        pkt = packet_in(
            buf, make_udp(buf + CV_HEADROOM, ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 1, 2, 100));
        cv_packet_data(&pkt)[7] = 5; /* says 1, 2 where its ports would be */
        set_tos(cv_packet_data(&pkt), 0);
        ipsec_out(f->p, &pkt, 0, &way);
        assert_int_equal(pkt.err, cases[i].want);
        ipsec_close(f->p);
    }
}

static void what_policy_sends_another_way_in_fragments_is_not_cut(void **state)
{
    static struct fixture room;
    struct arena a = {.p = room.mem + MEM_LEN / 2, .cap = MEM_LEN / 2};
    struct fixture *f = fresh(&room, CV_PROTO_ESP, true, ts_any(CV_IPV4));
    struct cv_policy pass = {
        .action = CV_POLICY_BYPASS,
        .directions = CV_BOTH,
        .local = ts_any(CV_IPV4),
        .remote = ts_any(CV_IPV4),
    };
    uint8_t buf[BUF_LEN];
    uint32_t number;
    struct ipsec_way way;
    struct cv_packet pkt = packet_in(
        buf, make_udp(buf + CV_HEADROOM, ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 1, 2, 1472));

    (void)state;
    ipsec_carve_policies(f->p, &a, 1);
    pass.remote.proto = IPPROTO_NUM_UDP;
    pass.remote.port_lo = UINT16_MAX; /* OPAQUE */
    pass.remote.port_hi = 0;
    assert_int_equal(ipsec_policy_add(f->p, &pass, &number), CV_OK);
    ipsec_out(f->p, &pkt, 0, &way);
    assert_int_equal(pkt.err, CV_OK);
    assert_int_equal(pkt.verdict, CV_TRANSMIT);
    ipsec_close(f->p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_a_plain_packet_are_as_the_rfc_says),
        cmocka_unit_test(later_pieces_have_the_options_that_are_to_be_copied),
        cmocka_unit_test(a_fragment_is_cut_again),
        cmocka_unit_test(what_cannot_be_cut_stays_as_it_was),
        cmocka_unit_test(a_piece_past_the_largest_offset_is_refused),
        cmocka_unit_test(a_packet_through_the_plane_arrives_in_pieces_that_fit),
        cmocka_unit_test(only_what_may_be_cut_is),
        cmocka_unit_test(later_fragments_pass_selectors_of_ports_only_where_those_are_opaque),
        cmocka_unit_test(what_policy_sends_another_way_in_fragments_is_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
