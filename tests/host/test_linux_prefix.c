/* Address ranges as routing prefixes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "linux/kernel/routes.h"

static struct cv_ts range4(uint32_t lo, uint32_t hi)
{
    struct cv_ts ts = {.family = CV_IPV4, .port_hi = UINT16_MAX};

    for (unsigned i = 0; i < 4; i++) {
        ts.lo[i] = (uint8_t)(lo >> (24 - 8 * i));
        ts.hi[i] = (uint8_t)(hi >> (24 - 8 * i));
    }
    return ts;
}

static uint32_t start_of(const struct prefix *p)
{
    return (uint32_t)p->addr.b[0] << 24 | (uint32_t)p->addr.b[1] << 16 |
           (uint32_t)p->addr.b[2] << 8 | p->addr.b[3];
}

static void a_network_is_one_prefix(void **state)
{
    struct cv_ts ts = range4(0x0a010000, 0x0a01ffff);
    struct prefix out[PREFIXES_MAX];

    (void)state;
    assert_int_equal(prefixes_of(out, PREFIXES_MAX, &ts), 1);
    assert_int_equal(start_of(&out[0]), 0x0a010000);
    assert_int_equal(out[0].len, 16);
}

static void one_address_is_a_host_prefix(void **state)
{
    struct cv_ts ts = range4(0x0a010203, 0x0a010203);
    struct prefix out[PREFIXES_MAX];

    (void)state;
    assert_int_equal(prefixes_of(out, PREFIXES_MAX, &ts), 1);
    assert_int_equal(out[0].len, 32);
}

static void everything_is_the_default_prefix(void **state)
{
    struct cv_ts v4 = range4(0, UINT32_MAX);
    struct cv_ts v6 = {.family = CV_IPV6};
    struct prefix out[PREFIXES_MAX];

    (void)state;
    assert_int_equal(prefixes_of(out, PREFIXES_MAX, &v4), 1);
    assert_int_equal(out[0].len, 0);
    memset(v6.hi, 0xff, 16);
    assert_int_equal(prefixes_of(out, PREFIXES_MAX, &v6), 1);
    assert_int_equal(out[0].len, 0);
}

/* Each range: the prefixes follow each other without gap or overlap from lo to hi. */
static void prefixes_cover_a_range_exactly(void **state)
{
    static const uint32_t ranges[][2] = {
        {0x0a000001, 0x0a0000fe},
        {0x0a000001, 0x0a000002},
        {0x00000001, 0xfffffffe},
        {0xfffffffe, 0xffffffff},
        {0x0a000000, 0x0a000002},
        {0x7fffffff, 0x80000000},
        {0xc0a80000, 0xc0a8ffff},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct cv_ts ts = range4(ranges[i][0], ranges[i][1]);
        struct prefix out[PREFIXES_MAX];
        unsigned n = prefixes_of(out, PREFIXES_MAX, &ts);
        uint64_t next = ranges[i][0];

        assert_in_range(n, 1, 62);
        for (unsigned k = 0; k < n; k++) {
            assert_true(start_of(&out[k]) == next);
            assert_int_equal(next & ((UINT64_C(1) << (32 - out[k].len)) - 1), 0);
            next += UINT64_C(1) << (32 - out[k].len);
        }
        assert_true(next == (uint64_t)ranges[i][1] + 1);
    }
}

static void the_worst_ipv6_range_fits(void **state)
{
    struct cv_ts ts = {.family = CV_IPV6};
    struct prefix out[PREFIXES_MAX];

    (void)state;
    ts.lo[15] = 1;
    memset(ts.hi, 0xff, 16);
    ts.hi[15] = 0xfe;
    assert_int_equal(prefixes_of(out, PREFIXES_MAX, &ts), 254);
    assert_int_equal(out[253].len, 128);
}

static void a_short_list_ends_with_a_prefix_that_covers_the_rest(void **state)
{
    struct cv_ts ts = range4(0x0a000001, 0x0a0000fe);
    struct prefix out;
    struct cv_addr last = {
        CV_IPV4, {10, 0, 0, 0xfe}
    };

    (void)state;
    assert_int_equal(prefixes_of(&out, 1, &ts), 1);
    assert_int_equal(out.len, 24);
    assert_int_equal(start_of(&out), 0x0a000000);
    assert_true(prefix_has(&out, &last));
}

static void a_reversed_range_or_no_family_gives_none(void **state)
{
    struct cv_ts ts = range4(0x0a000002, 0x0a000001);
    struct prefix out[PREFIXES_MAX];

    (void)state;
    assert_int_equal(prefixes_of(out, PREFIXES_MAX, &ts), 0);
    ts = range4(1, 2);
    ts.family = CV_ANY_FAMILY;
    assert_int_equal(prefixes_of(out, PREFIXES_MAX, &ts), 0);
}

static void a_prefix_has_its_addresses_and_no_others(void **state)
{
    struct prefix p = {
        {CV_IPV4, {10, 1, 0, 0}},
        15
    };
    struct cv_addr in = {
        CV_IPV4, {10, 0, 255, 255}
    };
    struct cv_addr beyond = {
        CV_IPV4, {10, 2, 0, 0}
    };
    struct cv_addr other = {
        CV_IPV6, {10, 1}
    };

    (void)state;
    assert_true(prefix_has(&p, &in));
    assert_false(prefix_has(&p, &beyond));
    assert_false(prefix_has(&p, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_is_one_prefix),
        cmocka_unit_test(one_address_is_a_host_prefix),
        cmocka_unit_test(everything_is_the_default_prefix),
        cmocka_unit_test(prefixes_cover_a_range_exactly),
        cmocka_unit_test(the_worst_ipv6_range_fits),
        cmocka_unit_test(a_short_list_ends_with_a_prefix_that_covers_the_rest),
        cmocka_unit_test(a_reversed_range_or_no_family_gives_none),
        cmocka_unit_test(a_prefix_has_its_addresses_and_no_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
