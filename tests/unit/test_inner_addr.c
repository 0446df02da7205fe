/* Addresses inside a tunnel that name nobody or everybody: wide selectors do not cover them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipsec/esp.h"
#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"
#include "tests/support/own_sa.h"

enum { MEM_LEN = 8192, SPI = 1000 };

static const uint64_t SEED[2] = {1, 2};

struct fixture {
    _Alignas(max_align_t) uint8_t mem[MEM_LEN];
    struct ipsec *p;
    struct esp_sa peer;
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt;
};

/* A plane with one pair between two lists, and its peer, who sends what he likes. */
static struct fixture *fresh(struct fixture *f, const struct cv_ts_list *local,
                             const struct cv_ts_list *remote)
{
    struct arena a = {.p = f->mem, .cap = sizeof(f->mem)};
    const struct cv_pair_config cfg = {
        .spi_in = SPI,
        .spi_out = SPI,
        .protocol = CV_PROTO_ESP,
        .suite = suites[0].suite,
        .key_in = span(keymat[0], suites[0].key_len),
        .key_out = span(keymat[1], suites[0].key_len),
        .local_ts = *local,
        .remote_ts = *remote,
        .replay_window = 64,
    };

    memset(f, 0, sizeof(*f));
    f->p = ipsec_init(&a, 1, 0, &cv_crypto_openssl, SEED);
    assert_non_null(f->p);
    assert_int_equal(ipsec_install(f->p, 0, &cfg, 0), CV_OK);
    ipsec_use_out(f->p, 0);
    assert_int_equal(own_esp_open(&f->peer, &cv_crypto_openssl, &cfg.suite, SPI, cfg.key_in),
                     CV_OK);
    return f;
}

static void done(struct fixture *f)
{
    own_close(&f->peer);
    ipsec_close(f->p);
}

static enum cv_err out(struct fixture *f, struct cv_addr src, struct cv_addr dst)
{
    struct ipsec_way way;

    f->pkt = packet_in(f->buf, make_udp(f->buf + CV_HEADROOM, src, dst, 1, 2, 20));
    ipsec_out(f->p, &f->pkt, 0, &way);
    assert_int_equal(f->pkt.verdict, f->pkt.err == CV_OK ? CV_TRANSMIT : CV_DROP);
    return f->pkt.err;
}

static enum cv_err in(struct fixture *f, struct cv_addr src, struct cv_addr dst)
{
    const bool v6 = src.family == CV_IPV6;
    struct ipsec_way way;

    f->pkt = packet_in(f->buf, make_udp(f->buf + CV_HEADROOM, src, dst, 1, 2, 20));
    assert_int_equal(esp_seal(&f->peer, &f->pkt, v6 ? IPPROTO_NUM_IPV6 : IPPROTO_NUM_IPIP),
                     CV_OK);
    f->pkt.carrier = CV_RAW_ESP;
    ipsec_in(f->p, &f->pkt, 0, &way);
    assert_int_equal(way.notices[0] & CV_NOTICE_ALARM, 0);
    assert_int_equal(f->pkt.verdict, f->pkt.err == CV_OK ? CV_DELIVER : CV_DROP);
    return f->pkt.err;
}

/* ff0e::1 */
static struct cv_addr group6(void)
{
    return (struct cv_addr){
        CV_IPV6, {0xff, 0x0e, [15] = 1}
    };
}

static void a_selector_of_everything_names_no_group(void **state)
{
    const struct cv_ts_list any = {
        2, {ts_any(CV_IPV4), ts_any(CV_IPV6)}
    };
    static struct fixture room;
    struct fixture *f = fresh(&room, &any, &any);
    const struct cv_addr host4 = ip4(10, 0, 0, 1), host6 = ip6(1, 1);
    /* clang-format off */
    const struct { struct cv_addr dst; enum cv_err want; } cases[] = {
        {ip4(223, 255, 255, 255), CV_OK},
        {ip4(224, 0, 0, 0),       CV_ERR_MULTICAST},
        {ip4(239, 255, 255, 255), CV_ERR_MULTICAST},
        {ip4(240, 0, 0, 1),       CV_OK},
        {ip4(255, 255, 255, 254), CV_OK},
        {ip4(255, 255, 255, 255), CV_ERR_MULTICAST},
        {ip4(10, 0, 0, 255),      CV_OK}, /* nobody here knows the subnet */
        {ip6(1, 2),               CV_OK},
        {group6(),                CV_ERR_MULTICAST},
    };
    /* clang-format on */

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct cv_addr src = cases[i].dst.family == CV_IPV6 ? host6 : host4;

        assert_int_equal(out(f, src, cases[i].dst), cases[i].want);
        assert_int_equal(in(f, src, cases[i].dst), cases[i].want);
    }
    assert_int_equal(ipsec_counters(f->p, 0)->drops[CV_CD_MALFORMED], 4);
    done(f);
}

static void a_selector_that_names_a_group_lets_it_pass_one_way(void **state)
{
    const struct cv_ts_list hosts = {
        2, {ts_any(CV_IPV4), ts_any(CV_IPV6)}
    };
    const struct cv_ts_list groups = {
        5,
        {ts_any(CV_IPV4), ts_any(CV_IPV6), ts_range(ip4(239, 1, 0, 0), ip4(239, 1, 255, 255)),
          ts_host(ip4(255, 255, 255, 255)), ts_host(group6())}
    };
    static struct fixture room;
    struct fixture *f = fresh(&room, &hosts, &groups);
    const struct cv_addr host4 = ip4(10, 0, 0, 1), host6 = ip6(1, 1);

    (void)state;
    assert_int_equal(out(f, host4, ip4(239, 1, 2, 3)), CV_OK);
    assert_int_equal(out(f, host4, ip4(255, 255, 255, 255)), CV_OK);
    assert_int_equal(out(f, host6, group6()), CV_OK);
    assert_int_equal(out(f, host4, ip4(239, 2, 0, 1)), CV_ERR_MULTICAST);
    assert_int_equal(in(f, host4, ip4(239, 1, 2, 3)), CV_ERR_MULTICAST);
    done(f);
    f = fresh(&room, &groups, &hosts);
    assert_int_equal(in(f, host4, ip4(239, 1, 2, 3)), CV_OK);
    assert_int_equal(in(f, host4, ip4(255, 255, 255, 255)), CV_OK);
    assert_int_equal(in(f, host6, group6()), CV_OK);
    assert_int_equal(in(f, host4, ip4(239, 2, 0, 1)), CV_ERR_MULTICAST);
    done(f);
}

static void a_range_from_groups_to_hosts_names_no_group(void **state)
{
    const struct cv_ts_list any = ts_one(ts_any(CV_IPV4));
    const struct cv_ts_list odd = ts_one(ts_range(ip4(239, 0, 0, 0), ip4(255, 255, 255, 255)));
    static struct fixture room;
    struct fixture *f = fresh(&room, &any, &odd);

    (void)state;
    assert_int_equal(out(f, ip4(10, 0, 0, 1), ip4(239, 1, 2, 3)), CV_ERR_MULTICAST);
    assert_int_equal(out(f, ip4(10, 0, 0, 1), ip4(240, 1, 2, 3)), CV_OK);
    done(f);
}

static void a_packet_from_nobody_or_everybody_never_comes_in(void **state)
{
    const struct cv_ts_list any = {
        4,
        {ts_any(CV_IPV4), ts_any(CV_IPV6), ts_range(ip4(224, 0, 0, 0), ip4(239, 255, 255, 255)),
          ts_host(ip4(255, 255, 255, 255))}
    };
    const struct cv_addr bad[] = {
        ip4(0, 0, 0, 0),         ip4(127, 0, 0, 1), ip4(127, 255, 0, 9),   ip4(224, 0, 0, 5),
        ip4(255, 255, 255, 255), {CV_IPV6, {0}       },
            {CV_IPV6, {[15] = 1}},
            group6(),
    };
    static struct fixture room;
    struct fixture *f = fresh(&room, &any, &any);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(in(f, bad[i], bad[i].family == CV_IPV6 ? ip6(1, 2) : ip4(10, 0, 0, 2)),
                         CV_ERR_INNER_SOURCE);
    assert_int_equal(in(f, ip4(126, 0, 0, 1), ip4(10, 0, 0, 2)), CV_OK);
    assert_int_equal(in(f, ip4(128, 0, 0, 1), ip4(10, 0, 0, 2)), CV_OK);
    done(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_selector_of_everything_names_no_group),
        cmocka_unit_test(a_selector_that_names_a_group_lets_it_pass_one_way),
        cmocka_unit_test(a_range_from_groups_to_hosts_names_no_group),
        cmocka_unit_test(a_packet_from_nobody_or_everybody_never_comes_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
