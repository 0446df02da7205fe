/* src/ipsec/path.c and pmtu.c: which packets fit, what the sender is told, and what a router
 * outside may tell us.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ipsec/ipsec.h"
#include "ipsec/pmtu.h"
#include "tests/support/ipsec_fixture.h"

enum { MEM_LEN = 8192, SPI = 0x6a000001, MINUTE = 60 * 1000 };

static const uint64_t SEED[2] = {1, 2};

struct fixture {
    _Alignas(max_align_t) uint8_t mem[MEM_LEN];
    struct ipsec *p;
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt;
};

static struct cv_pair_config config(const struct named_suite *s, bool outer6)
{
    const struct cv_ts_list any = {
        2, {ts_any(CV_IPV4), ts_any(CV_IPV6)}
    };

    return (struct cv_pair_config){
        .spi_in = 1000,
        .spi_out = SPI,
        .protocol = s->suite.encr != 0 ? CV_PROTO_ESP : CV_PROTO_AH,
        .suite = s->suite,
        .key_in = span(keymat[0], s->key_len),
        .key_out = span(keymat[1], s->key_len),
        .local_ts = any,
        .remote_ts = any,
        .local = {outer6 ? ip6(9, 1) : ip4(192, 0, 2, 1), 4500},
        .remote = {outer6 ? ip6(9, 2) : ip4(192, 0, 2, 2), 4500},
        .mtu = 1400,
    };
}

static struct fixture *fresh(struct fixture *f, const struct cv_pair_config *cfg)
{
    struct arena a = {.p = f->mem, .cap = sizeof(f->mem)};

    memset(f, 0, sizeof(*f));
    f->p = ipsec_init(&a, 1, 0, &cv_crypto_openssl, SEED);
    assert_non_null(f->p);
    assert_int_equal(ipsec_install(f->p, 0, cfg, 0), CV_OK);
    ipsec_use_out(f->p, 0);
    return f;
}

/* An inner packet of total octets goes out. */
static enum cv_err out(struct fixture *f, bool v6, bool df, size_t total, uint64_t now_ms)
{
    const size_t n = total - (v6 ? 48 : 28);
    const struct cv_addr src = v6 ? ip6(1, 1) : ip4(10, 0, 0, 1);
    const struct cv_addr dst = v6 ? ip6(1, 2) : ip4(10, 0, 0, 2);
    struct ipsec_way way;

    f->pkt = packet_in(f->buf, make_udp(f->buf + CV_HEADROOM, src, dst, 1000, 2000, n));
    if (df && !v6) {
        cv_packet_data(&f->pkt)[6] = 0x40;
        set_tos(cv_packet_data(&f->pkt), 0);
    }
    ipsec_out(f->p, &f->pkt, now_ms, &way);
    assert_int_equal(way.pair[0], 0);
    return f->pkt.err;
}

static size_t outer_len(const struct fixture *f, bool outer6)
{
    const size_t head = outer6 ? 40 : 20;

    return f->pkt.len + (f->pkt.carrier == CV_RAW_AH     ? 0
                         : f->pkt.carrier == CV_UDP_4500 ? head + 8
                                                         : head);
}

static void inner_mtu_is_the_largest_that_fits(void **state)
{
    static const struct named_suite ah = {"AH", {.integ = CV_INTEG_HMAC_SHA2_256_128}, 32};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < (N_SUITES + 1) * 4; i++) {
        const bool outer6 = i & 1;
        const struct named_suite *s = i / 4 < N_SUITES ? &suites[i / 4] : &ah;
        struct cv_pair_config cfg = config(s, outer6);
        struct fixture *f;
        size_t mtu;

        cfg.encap = s != &ah && (i & 2);
        f = fresh(&room, &cfg);
        mtu = ipsec_inner_mtu(f->p, 0);
        assert_int_equal(out(f, false, true, mtu, 0), CV_OK);
        assert_true(outer_len(f, outer6) <= 1400);
        assert_true(f->pkt.df);
        assert_int_equal(out(f, false, true, mtu + 1, 0), CV_ERR_TOO_BIG);
        assert_int_equal(f->pkt.verdict, CV_DROP);
        assert_int_equal(out(f, false, false, mtu + 1, 0), CV_OK);
        assert_false(f->pkt.df);
        assert_true(outer_len(f, outer6) > 1400);
        ipsec_close(f->p);
    }
}

static void transport_mode_saves_the_inner_header(void **state)
{
    static const struct named_suite ah = {"AH", {.integ = CV_INTEG_HMAC_SHA2_256_128}, 32};
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < (N_SUITES + 1) * 2; i++) {
        const struct named_suite *s = i / 2 < N_SUITES ? &suites[i / 2] : &ah;
        struct cv_pair_config cfg = config(s, false);
        struct fixture *f;
        size_t mtu;

        cfg.mode = CV_TRANSPORT;
        cfg.encap = s != &ah && (i & 1);
        cfg.local.addr = ip4(10, 0, 0, 1);
        cfg.remote.addr = ip4(10, 0, 0, 2);
        f = fresh(&room, &cfg);
        mtu = ipsec_inner_mtu(f->p, 0);
        assert_int_equal(out(f, false, true, mtu, 0), CV_OK);
        assert_true(outer_len(f, false) <= 1400 && outer_len(f, false) > 1400 - 16);
        assert_int_equal(out(f, false, true, mtu + 1, 0), CV_ERR_TOO_BIG);
        ipsec_close(f->p);
    }
}

static void df_follows_its_rule(void **state)
{
    static const struct {
        uint8_t rule;
        bool inner_df, small, outer_df;
        enum cv_err want;
    } cases[] = {
        {CV_DF_COPY,    false, true,  false, CV_OK         },
        {CV_DF_COPY,    true,  true,  true,  CV_OK         },
        {CV_DF_COPY,    true,  false, false, CV_ERR_TOO_BIG},
        {CV_DF_COPY,    false, false, false, CV_OK         },
        {CV_DF_SET,     false, true,  true,  CV_OK         },
        {CV_DF_SET,     true,  false, false, CV_ERR_TOO_BIG},
        {CV_DF_SET,     false, false, false, CV_OK         },
        {CV_DF_CLEAR,   true,  true,  false, CV_OK         },
        {CV_DF_CLEAR,   true,  false, false, CV_OK         },
        {CV_DF_FITTING, true,  true,  true,  CV_OK         },
        {CV_DF_FITTING, true,  false, false, CV_OK         },
        {CV_DF_FITTING, false, true,  false, CV_OK         },
    };
    static struct fixture room;

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cv_pair_config cfg = config(&suites[0], false);
        struct fixture *f;

        cfg.df = cases[i].rule;
        f = fresh(&room, &cfg);
        assert_int_equal(out(f, false, cases[i].inner_df, cases[i].small ? 500 : 1400, 0),
                         cases[i].want);
        assert_int_equal(f->pkt.df, cases[i].outer_df);
        ipsec_close(f->p);
    }
}

static void ipv6_inside_is_never_told_less_than_1280(void **state)
{
    static struct fixture room;
    struct cv_pair_config cfg = config(&suites[0], false);
    struct fixture *f;
    struct ip_flow flow;

    (void)state;
    cfg.mtu = 1300; /* 1280 octets do not fit: fragments outside */
    f = fresh(&room, &cfg);
    assert_int_equal(out(f, true, true, 1280, 0), CV_OK);
    assert_false(f->pkt.df);
    assert_int_equal(out(f, true, true, 1281, 0), CV_ERR_TOO_BIG);
    assert_int_equal(pmtu_answer(&f->pkt, ipsec_inner_mtu(f->p, 0), NULL), CV_OK);
    assert_int_equal(ip_parse(&flow, span(cv_packet_data(&f->pkt), f->pkt.len)), CV_OK);
    assert_int_equal(cv_packet_data(&f->pkt)[46] << 8 | cv_packet_data(&f->pkt)[47], 1280);
    ipsec_close(f->p);
}

static void answer_goes_to_the_sender_and_quotes_the_packet(void **state)
{
    static struct fixture room;
    const struct cv_pair_config cfg = config(&suites[0], false);
    const struct cv_addr gateway = ip4(10, 0, 0, 254);
    struct fixture *f = fresh(&room, &cfg);

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const size_t front = v6 ? 48 : 28, most = v6 ? 1280 : 576;
        uint8_t was[BUF_LEN];
        struct ip_flow flow;
        struct cv_span all;

        assert_int_equal(out(f, v6, true, 1399, 0), CV_ERR_TOO_BIG);
        memcpy(was, cv_packet_data(&f->pkt), f->pkt.len);
        assert_int_equal(pmtu_answer(&f->pkt, 1337, v6 ? NULL : &gateway), CV_OK);
        assert_int_equal(f->pkt.verdict, CV_DELIVER);
        all = span(cv_packet_data(&f->pkt), f->pkt.len);
        assert_int_equal(ip_parse(&flow, all), CV_OK);
        assert_int_equal(flow.total_len, most);
        assert_memory_equal(flow.dst.b, v6 ? ip6(1, 1).b : ip4(10, 0, 0, 1).b, 16);
        assert_memory_equal(flow.src.b, v6 ? ip6(1, 2).b : gateway.b, 16);
        assert_int_equal(flow.proto, v6 ? IPPROTO_NUM_ICMPV6 : IPPROTO_NUM_ICMP);
        assert_int_equal(flow.dport, v6 ? 2 << 8 : 3 << 8 | 4);
        assert_int_equal(all.p[front - 2] << 8 | all.p[front - 1], 1337);
        assert_memory_equal(all.p + front, was, most - front);
        if (v6)
            assert_int_equal(ip_upper_checksum(&flow.src, &flow.dst, flow.proto,
                                               span(all.p + 40, all.n - 40)),
                             0);
        else
            assert_int_equal(ip_checksum(span(all.p + 20, all.n - 20)), 0);
    }
    ipsec_close(f->p);
}

static void errors_fragments_and_groups_are_not_answered(void **state)
{
    uint8_t buf[BUF_LEN];

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        const struct cv_addr src = i == 3 ? ip4(0, 0, 0, 0) : ip4(10, 0, 0, 1);
        const struct cv_addr dst = i == 2 ? ip4(224, 0, 0, 1) : ip4(10, 0, 0, 2);
        struct cv_packet pkt =
            packet_in(buf, make_udp(buf + CV_HEADROOM, src, dst, 3 << 8, 0, 30));
        uint8_t *p = cv_packet_data(&pkt);

        if (i == 0)
            ip_patch(p, pkt.len, 9, IPPROTO_NUM_ICMP); /* destination unreachable */
        if (i == 1)
            p[7] = 1; /* a later fragment */
        set_tos(p, 0);
        assert_int_equal(pmtu_answer(&pkt, 1000, NULL), i < 4 ? CV_ERR_UNSUPPORTED : CV_OK);
    }
}

/* What a router says about the packet in f->pkt, n octets of which it quotes. */
static size_t make_report(const struct fixture *f, uint8_t *out_buf, unsigned mtu, size_t n)
{
    const bool v6 = f->pkt.remote.addr.family == CV_IPV6, udp = f->pkt.carrier == CV_UDP_4500;
    const struct ip_head quoted = {
        .src = f->pkt.local.addr,
        .dst = f->pkt.remote.addr,
        .proto = udp ? IPPROTO_NUM_UDP : IPPROTO_NUM_ESP,
    };
    const struct ip_head head = {
        .src = v6 ? ip6(8, 8) : ip4(8, 8, 8, 8),
        .dst = f->pkt.local.addr,
        .proto = v6 ? IPPROTO_NUM_ICMPV6 : IPPROTO_NUM_ICMP,
    };
    const size_t ip = ip_head_len(quoted.src.family);
    uint8_t inside[128];
    struct wr w = wr_init(inside, sizeof(inside)), icmp = wr_init(out_buf + ip, 256);
    uint16_t sum;

    ip_put_head(wr_reserve(&w, ip), &quoted, f->pkt.len + (udp ? 8 : 0));
    if (udp) {
        wr_u16(&w, f->pkt.local.port);
        wr_u16(&w, f->pkt.remote.port);
        wr_u32(&w, 0);
    }
    wr_copy(&w, cv_packet_data(&f->pkt), 16);
    wr_u32(&icmp, v6 ? 2 << 24 : 3 << 24 | 4 << 16);
    wr_u32(&icmp, mtu);
    wr_copy(&icmp, inside, n);
    sum = v6 ? ip_upper_checksum(&head.src, &head.dst, head.proto, wr_done(&icmp))
             : ip_checksum(wr_done(&icmp));
    wr_patch_u16(&icmp, 2, sum);
    ip_put_head(out_buf, &head, icmp.n);
    return ip + icmp.n;
}

static void learned_mtu_lowers_the_path_and_is_forgotten(void **state)
{
    static struct fixture room;
    uint8_t icmp[512];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const bool outer6 = i & 1, encap = i & 2;
        struct cv_pair_config cfg = config(&suites[0], outer6);
        struct fixture *f;
        size_t n, before;
        uint32_t pair;

        cfg.encap = encap;
        cfg.remote.port = 40000; /* of a NAT: which port is whose makes a difference */
        f = fresh(&room, &cfg);
        before = ipsec_inner_mtu(f->p, 0);
        assert_int_equal(out(f, false, true, 1310, 0), CV_OK);
        n = make_report(f, icmp, 1300, (outer6 ? 40 : 20) + 8);
        assert_int_equal(ipsec_take_icmp(f->p, span(icmp, n), MINUTE, &pair), CV_OK);
        assert_int_equal(pair, 0);
        assert_true(ipsec_inner_mtu(f->p, 0) < before);
        assert_int_equal(out(f, false, true, 1310, 5 * MINUTE), CV_ERR_TOO_BIG);
        assert_int_equal(out(f, false, true, 1310, 13 * MINUTE), CV_OK);
        assert_int_equal(ipsec_inner_mtu(f->p, 0), before);
        ipsec_close(f->p);
    }
}

static void what_is_said_again_is_kept_for_longer(void **state)
{
    static struct fixture room;
    const struct cv_pair_config cfg = config(&suites[0], false);
    struct fixture *f = fresh(&room, &cfg);
    size_t lower;

    (void)state;
    ipsec_learn_mtu(f->p, 0, 1300, 0);
    lower = ipsec_inner_mtu(f->p, 0);
    for (unsigned i = 1; i < 10; i++) {
        ipsec_learn_mtu(f->p, 0, 1300, i * 5 * MINUTE);
        ipsec_learn_mtu(f->p, 0, 1350, i * 5 * MINUTE);
        assert_int_equal(out(f, false, true, 100, (i * 5 + 4) * MINUTE), CV_OK);
        assert_int_equal(ipsec_inner_mtu(f->p, 0), lower);
    }
    assert_int_equal(out(f, false, true, 100, 60 * MINUTE), CV_OK);
    assert_true(ipsec_inner_mtu(f->p, 0) > lower);
    ipsec_learn_mtu(f->p, 0, 1400, 60 * MINUTE); /* as configured: nothing is learned */
    assert_int_equal(out(f, false, true, 100, 75 * MINUTE), CV_OK);
    assert_true(ipsec_inner_mtu(f->p, 0) > lower);
    ipsec_close(f->p);
}

static void forged_reports_change_nothing_or_little(void **state)
{
    static struct fixture room;
    const struct cv_pair_config cfg = config(&suites[0], false);
    struct fixture *f = fresh(&room, &cfg);
    const size_t before = ipsec_inner_mtu(f->p, 0);
    uint8_t icmp[512];
    uint64_t now = MINUTE;
    uint32_t pair;
    size_t n;

    (void)state;
    assert_int_equal(out(f, false, true, 1000, 0), CV_OK);
    n = make_report(f, icmp, 1500, 28); /* larger than what is known */
    assert_int_equal(ipsec_take_icmp(f->p, span(icmp, n), now, &pair), CV_OK);
    assert_int_equal(ipsec_inner_mtu(f->p, 0), before);
    for (size_t k = 0; k < n; k++) /* cut short */
        assert_int_not_equal(ipsec_take_icmp(f->p, span(icmp, k), now += 1000, &pair), CV_OK);
    for (size_t k = 20; k < 28; k++) /* the quoted packet cut short */
        assert_int_equal(ipsec_take_icmp(f->p, span(icmp, make_report(f, icmp, 1000, k)),
                                         now += 1000, &pair),
                         k < 24 ? CV_ERR_MALFORMED : CV_OK);
    f->pkt.remote.addr.b[3]++; /* another peer */
    n = make_report(f, icmp, 700, 28);
    assert_int_equal(ipsec_take_icmp(f->p, span(icmp, n), now += 1000, &pair), CV_ERR_NO_SA);
    f->pkt.remote.addr.b[3]--;
    cv_packet_data(&f->pkt)[0] ^= 1; /* another SPI */
    n = make_report(f, icmp, 700, 28);
    assert_int_equal(ipsec_take_icmp(f->p, span(icmp, n), now += 1000, &pair), CV_ERR_NO_SA);
    cv_packet_data(&f->pkt)[0] ^= 1;
    n = make_report(f, icmp, 68, 28); /* an attacker who saw our packet */
    assert_int_equal(ipsec_take_icmp(f->p, span(icmp, n), now += 1000, &pair), CV_OK);
    assert_int_equal(out(f, false, true, 500, now), CV_OK);
    ipsec_close(f->p);
}

static void reports_are_bounded_to_a_few_a_second(void **state)
{
    static struct fixture room;
    const struct cv_pair_config cfg = config(&suites[0], false);
    struct fixture *f = fresh(&room, &cfg);
    unsigned taken = 0;
    uint8_t icmp[512];
    uint32_t pair;

    (void)state;
    assert_int_equal(out(f, false, true, 1000, 0), CV_OK);
    for (unsigned i = 0; i < 1000; i++) {
        const size_t n = make_report(f, icmp, 1300, 28);

        taken += ipsec_take_icmp(f->p, span(icmp, n), 5000 + i, &pair) == CV_OK;
    }
    assert_int_equal(taken, 8);
    ipsec_close(f->p);
}

static void flow_padding_hides_lengths_as_far_as_the_path_allows(void **state)
{
    static struct fixture room;
    struct cv_pair_config cfg = config(&suites[0], false);
    struct fixture *f;
    size_t len;

    (void)state;
    cfg.tfc = 1000;
    f = fresh(&room, &cfg);
    assert_int_equal(out(f, false, true, 30, 0), CV_OK);
    len = f->pkt.len;
    assert_int_equal(out(f, false, true, 999, 0), CV_OK);
    assert_int_equal(f->pkt.len, len);
    assert_int_equal(ipsec_counters(f->p, 0)->bytes_out, 30 + 999);
    ipsec_close(f->p);
    cfg.tfc = UINT16_MAX;
    f = fresh(&room, &cfg);
    assert_int_equal(out(f, false, true, 30, 0), CV_OK);
    assert_true(outer_len(f, false) <= 1400 && outer_len(f, false) > 1396);
    ipsec_close(f->p);
    cfg.mtu = 0; /* no limit is known */
    f = fresh(&room, &cfg);
    assert_int_equal(out(f, false, true, 30, 0), CV_OK);
    assert_true(outer_len(f, false) <= 1280 && outer_len(f, false) > 1276);
    ipsec_close(f->p);
    cfg.tfc = 3000; /* and the buffer ends somewhere */
    f = fresh(&room, &cfg);
    assert_int_equal(out(f, false, true, 30, 0), CV_ERR_NO_ROOM);
    assert_int_equal(f->pkt.len, 30);
    ipsec_close(f->p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_mtu_is_the_largest_that_fits),
        cmocka_unit_test(transport_mode_saves_the_inner_header),
        cmocka_unit_test(df_follows_its_rule),
        cmocka_unit_test(ipv6_inside_is_never_told_less_than_1280),
        cmocka_unit_test(answer_goes_to_the_sender_and_quotes_the_packet),
        cmocka_unit_test(errors_fragments_and_groups_are_not_answered),
        cmocka_unit_test(learned_mtu_lowers_the_path_and_is_forgotten),
        cmocka_unit_test(what_is_said_again_is_kept_for_longer),
        cmocka_unit_test(forged_reports_change_nothing_or_little),
        cmocka_unit_test(reports_are_bounded_to_a_few_a_second),
        cmocka_unit_test(flow_padding_hides_lengths_as_far_as_the_path_allows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
