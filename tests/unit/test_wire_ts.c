/* src/wire/ike_ts.c: traffic selectors.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire/ip.h"
#include "wire_test.h"

#define V6_DB8 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

/* clang-format off */
static const uint8_t three_selectors[] = {
    3, 0, 0, 0,                                                       /* count, RESERVED */
    7, 17, 0, 16, 0x01, 0xf4, 0x01, 0xf4, 10, 0, 0, 1, 10, 0, 0, 9,   /* IPv4, UDP, 500 */
    99, 0, 0, 6, 0xab, 0xcd,                                          /* a type we skip */
    8, 0, 0, 40, 0, 0, 0xff, 0xff, V6_DB8, 1, V6_DB8, 0xff,           /* IPv6, any */
};
/* clang-format on */

static enum cv_err parse(struct cv_span s)
{
    struct ts_list_and_guard {
        struct cv_ts_list list;
        uint8_t guard;
    } got = {.guard = 0x5a};
    enum cv_err err = ike_parse_ts(&got.list, s);

    assert_int_equal(got.guard, 0x5a);
    return err;
}

static void ts_reads_both_families_and_skips_unknown_types(void **state)
{
    static const uint8_t lo6[] = {V6_DB8, 1}, hi6[] = {V6_DB8, 0xff};
    struct cv_ts_list got;

    (void)state;
    assert_int_equal(ike_parse_ts(&got, ALL(three_selectors)), CV_OK);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.ts[0].family, CV_IPV4);
    assert_int_equal(got.ts[0].proto, 17);
    assert_int_equal(got.ts[0].port_lo, 500);
    assert_int_equal(got.ts[0].port_hi, 500);
    assert_memory_equal(got.ts[0].lo, "\x0a\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(got.ts[0].hi, "\x0a\0\0\x09\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(got.ts[1].family, CV_IPV6);
    assert_int_equal(got.ts[1].proto, 0);
    assert_int_equal(got.ts[1].port_lo, 0);
    assert_int_equal(got.ts[1].port_hi, 65535);
    assert_memory_equal(got.ts[1].lo, lo6, 16);
    assert_memory_equal(got.ts[1].hi, hi6, 16);
}

static void ts_refuses_every_proper_prefix_and_any_trailing_octet(void **state)
{
    (void)state;
    assert_prefixes_refused(parse, ALL(three_selectors));
    assert_trailing_octet_refused(parse, ALL(three_selectors));
}

static void ts_refuses_a_count_that_is_not_the_number_of_selectors(void **state)
{
    uint8_t odd[sizeof(three_selectors)];

    (void)state;
    memcpy(odd, three_selectors, sizeof(odd));
    for (unsigned n = 0; n < 256; n++) {
        odd[0] = (uint8_t)n;
        assert_int_equal(parse(ALL(odd)), n == 3 ? CV_OK : CV_ERR_MALFORMED);
    }
}

static void ts_refuses_a_selector_whose_length_is_not_its_types(void **state)
{
    uint8_t odd[sizeof(three_selectors)];

    (void)state;
    memcpy(odd, three_selectors, sizeof(odd));
    for (unsigned n = 0; n < 256; n++) {
        odd[7] = (uint8_t)n;
        assert_int_equal(parse(ALL(odd)), n == 16 ? CV_OK : CV_ERR_MALFORMED);
    }
    odd[7] = 16;
    odd[4] = 8; /* IPv6 with IPv4's length */
    assert_int_equal(parse(ALL(odd)), CV_ERR_MALFORMED);
}

static void ts_skips_an_unknown_type_only_by_a_true_length(void **state)
{
    uint8_t odd[sizeof(three_selectors)];

    (void)state;
    memcpy(odd, three_selectors, sizeof(odd));
    for (uint8_t n = 0; n < 4; n++) {
        odd[23] = n;
        assert_int_equal(parse(ALL(odd)), CV_ERR_MALFORMED);
    }
}

/* lo and hi of one IPv4 selector's ports and last address octet */
static enum cv_err parse_range(uint16_t port_lo, uint16_t port_hi, uint8_t lo, uint8_t hi)
{
    uint8_t body[] = {1, 0, 0, 0, 7, 0, 0, 16, 0, 0, 0, 0, 10, 0, 0, lo, 10, 0, 0, hi};
    struct wr w = wr_init(body, sizeof(body));

    wr_reserve(&w, 8);
    wr_u16(&w, port_lo);
    wr_u16(&w, port_hi);
    return parse(ALL(body));
}

static void ts_refuses_a_range_that_is_upside_down_except_opaque_ports(void **state)
{
    (void)state;
    assert_int_equal(parse_range(0, 65535, 1, 1), CV_OK);
    assert_int_equal(parse_range(80, 80, 1, 2), CV_OK);
    assert_int_equal(parse_range(65535, 0, 1, 2), CV_OK);
    assert_int_equal(parse_range(81, 80, 1, 2), CV_ERR_MALFORMED);
    assert_int_equal(parse_range(65535, 1, 1, 2), CV_ERR_MALFORMED);
    assert_int_equal(parse_range(65534, 0, 1, 2), CV_ERR_MALFORMED);
    assert_int_equal(parse_range(0, 65535, 2, 1), CV_ERR_MALFORMED);
}

static void ts_refuses_more_selectors_than_we_keep(void **state)
{
    struct cv_ts_list list = {.n = CV_TS_MAX};
    uint8_t buf[4 + 16 * (CV_TS_MAX + 1)];
    struct wr w = wr_init(buf, sizeof(buf));

    (void)state;
    for (unsigned i = 0; i < CV_TS_MAX; i++)
        list.ts[i] = (struct cv_ts){.family = CV_IPV4, .port_hi = 65535};
    ike_put_ts_body(&w, &list);
    assert_int_equal(parse(wr_done(&w)), CV_OK);
    wr_copy(&w, buf + 4, 16);
    wr_patch_u8(&w, 0, CV_TS_MAX + 1);
    assert_int_equal(parse(wr_done(&w)), CV_ERR_LIMIT);
}

/* 255 selectors, every fifth of a type that nobody knows; returns the whole body. */
static struct cv_span put_many(uint8_t *buf, size_t cap)
{
    struct wr w = wr_init(buf, cap);

    wr_u8(&w, 255);
    wr_zero(&w, 3);
    for (unsigned i = 0; i < 255; i++) {
        wr_u8(&w, i % 5 == 4 ? 99 : 7);
        wr_u8(&w, 0);
        wr_u16(&w, 16);
        wr_u16(&w, 0);
        wr_u16(&w, 65535);
        wr_u32(&w, 0x0a000000 | i << 8);
        wr_u32(&w, 0x0a0000ff | i << 8);
    }
    return wr_done(&w);
}

static void selectors_are_checked_and_iterated_however_many_there_are(void **state)
{
    uint8_t buf[4 + 16 * 255];
    struct cv_span body = put_many(buf, sizeof(buf));
    struct rd r = ike_ts_begin(body);
    struct cv_ts ts;
    unsigned n, seen = 0;

    (void)state;
    assert_int_equal(ike_check_ts(body, &n), CV_OK);
    assert_int_equal(n, 204);
    for (unsigned i = 0; ike_next_ts(&r, &ts); i += i % 5 == 3 ? 2U : 1U, seen++)
        assert_int_equal(ts.lo[2], i);
    assert_int_equal(seen, n);
    for (size_t len = 0; len < body.n; len++) {
        uint8_t *copy = malloc(len == 0 ? 1 : len);

        assert_non_null(copy);
        memcpy(copy, body.p, len);
        assert_int_equal(ike_check_ts(span(copy, len), &n), CV_ERR_MALFORMED);
        free(copy);
    }
}

static void ts_accepts_a_list_without_selectors(void **state)
{
    static const uint8_t none[] = {0, 0xff, 0xff, 0xff};
    struct cv_ts_list got;

    (void)state;
    assert_int_equal(ike_parse_ts(&got, ALL(none)), CV_OK);
    assert_int_equal(got.n, 0);
}

static void ts_without_room_spoils_the_writer(void **state)
{
    struct cv_ts_list list = {.n = 1, .ts = {{.family = CV_IPV6}}};
    uint8_t buf[44];

    (void)state;
    for (size_t n = 0; n <= sizeof(buf); n++) {
        struct wr w = wr_init(buf, n);

        ike_put_ts_body(&w, &list);
        assert_int_equal(wr_ok(&w), n == sizeof(buf));
    }
}

static void random_lists_survive_a_round_trip(void **state)
{
    uint64_t seed = 3131;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct cv_ts_list want, got;
        uint8_t buf[4 + 40 * CV_TS_MAX];
        struct wr w = wr_init(buf, sizeof(buf));

        memset(&want, 0, sizeof(want));
        memset(&got, 0, sizeof(got));
        want.n = (uint8_t)(chance(&seed) % (CV_TS_MAX + 1));
        for (unsigned i = 0; i < want.n; i++) {
            struct cv_ts *ts = &want.ts[i];

            ts->family = chance(&seed) & 1 ? CV_IPV4 : CV_IPV6;
            ts->proto = (uint8_t)chance(&seed);
            ts->port_lo = (uint16_t)(chance(&seed) & 0x7fff);
            ts->port_hi = (uint16_t)(chance(&seed) | 0x8000);
            chance_fill(&seed, ts->lo, addr_len(ts->family));
            chance_fill(&seed, ts->hi, addr_len(ts->family));
            ts->lo[0] &= 0x7f;
            ts->hi[0] |= 0x80;
        }
        ike_put_ts_body(&w, &want);
        assert_int_equal(ike_parse_ts(&got, wr_done(&w)), CV_OK);
        assert_memory_equal(&got, &want, sizeof(want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ts_reads_both_families_and_skips_unknown_types),
        cmocka_unit_test(ts_refuses_every_proper_prefix_and_any_trailing_octet),
        cmocka_unit_test(ts_refuses_a_count_that_is_not_the_number_of_selectors),
        cmocka_unit_test(ts_refuses_a_selector_whose_length_is_not_its_types),
        cmocka_unit_test(ts_skips_an_unknown_type_only_by_a_true_length),
        cmocka_unit_test(ts_refuses_a_range_that_is_upside_down_except_opaque_ports),
        cmocka_unit_test(ts_refuses_more_selectors_than_we_keep),
        cmocka_unit_test(selectors_are_checked_and_iterated_however_many_there_are),
        cmocka_unit_test(ts_accepts_a_list_without_selectors),
        cmocka_unit_test(ts_without_room_spoils_the_writer),
        cmocka_unit_test(random_lists_survive_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
