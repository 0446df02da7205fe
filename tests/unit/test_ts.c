/* src/ident/ts.c: resolving, narrowing and comparing selectors; RFC 7296 section 2.9.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ident/ts.h"
#include "wire/ike.h"

enum { TCP = 6, UDP = 17 };

/* 10.0.a.b - 10.0.c.d */
static struct cv_ts ts4(uint8_t proto, uint16_t port_lo, uint16_t port_hi, const uint8_t at[4])
{
    return (struct cv_ts){
        CV_IPV4, proto, port_lo, port_hi, {10, 0, at[0], at[1]},
            {10, 0, at[2], at[3]}
    };
}

static struct cv_ts net4(uint8_t third)
{
    return ts4(0, 0, UINT16_MAX, (const uint8_t[]){third, 0, third, 255});
}

static struct cv_ts host4(uint8_t third, uint8_t fourth)
{
    return ts4(0, 0, UINT16_MAX, (const uint8_t[]){third, fourth, third, fourth});
}

static struct cv_ts all6(void)
{
    struct cv_ts t = {.family = CV_IPV6, .port_hi = UINT16_MAX};

    memset(t.hi, 0xff, sizeof(t.hi));
    return t;
}

static struct cv_ts_list list_of(unsigned n, const struct cv_ts *ts)
{
    struct cv_ts_list list = {.n = (uint8_t)n};

    for (unsigned i = 0; i < n; i++)
        list.ts[i] = ts[i];
    return list;
}

#define LIST(...)                                                                              \
    list_of(sizeof((const struct cv_ts[]){__VA_ARGS__}) / sizeof(struct cv_ts),                \
            (const struct cv_ts[]){__VA_ARGS__})

static void assert_lists(const struct cv_ts_list *got, struct cv_ts_list want)
{
    assert_int_equal(got->n, want.n);
    for (unsigned i = 0; i < want.n; i++) {
        assert_int_equal(got->ts[i].family, want.ts[i].family);
        assert_int_equal(got->ts[i].proto, want.ts[i].proto);
        assert_int_equal(got->ts[i].port_lo, want.ts[i].port_lo);
        assert_int_equal(got->ts[i].port_hi, want.ts[i].port_hi);
        assert_memory_equal(got->ts[i].lo, want.ts[i].lo, 16);
        assert_memory_equal(got->ts[i].hi, want.ts[i].hi, 16);
    }
}

static void assert_narrows(struct cv_ts_list ours, struct cv_ts_list theirs,
                           struct cv_ts_list want)
{
    struct cv_ts_list got;

    assert_int_equal(ts_narrow(&got, &ours, &theirs), CV_OK);
    assert_lists(&got, want);
}

static void assert_disjoint(struct cv_ts_list ours, struct cv_ts_list theirs)
{
    struct cv_ts_list got;

    assert_int_equal(ts_narrow(&got, &ours, &theirs), CV_ERR_TS);
    assert_int_equal(got.n, 0);
}

static void a_dynamic_selector_becomes_the_given_addresses(void **state)
{
    const struct cv_ts_config cfg = {
        true, {.proto = UDP, .port_lo = 53, .port_hi = 53}
    };
    const struct cv_addr dyn[] = {
        {CV_IPV4, {10, 0, 0, 7}},
        {0,       {0}          },
        {CV_IPV6, {0xfd, 1}    }
    };
    struct cv_ts_list got;

    (void)state;
    assert_int_equal(ts_resolve(&got, &cfg, 1, dyn, 3), CV_OK);
    assert_lists(&got, LIST(
                           {
                               CV_IPV4, UDP, 53, 53, {10, 0, 0, 7},
                                   {10, 0, 0, 7}
    },
                           {CV_IPV6, UDP, 53, 53, {0xfd, 1}, {0xfd, 1}}));
}

static void a_dynamic_selector_without_addresses_is_every_address(void **state)
{
    const struct cv_ts_config cfg = {true, {.port_hi = UINT16_MAX}};
    const struct cv_addr none = {0, {0}};
    const struct cv_ts all4 = {
        CV_IPV4, 0, 0, UINT16_MAX, {0   },
            { 255, 255, 255, 255}
    };
    struct cv_ts_list got;

    (void)state;
    assert_int_equal(ts_resolve(&got, &cfg, 1, NULL, 0), CV_OK);
    assert_lists(&got, LIST(all4, all6()));
    assert_int_equal(ts_resolve(&got, &cfg, 1, &none, 1), CV_OK);
    assert_lists(&got, LIST(all4, all6()));
}

static void fixed_selectors_stay_and_more_than_the_list_holds_is_refused(void **state)
{
    struct cv_ts_config cfg[CV_TS_MAX + 1];
    struct cv_ts_list got;

    (void)state;
    for (uint8_t i = 0; i <= CV_TS_MAX; i++)
        cfg[i] = (struct cv_ts_config){false, net4(i)};
    assert_int_equal(ts_resolve(&got, cfg, CV_TS_MAX, NULL, 0), CV_OK);
    assert_int_equal(got.n, CV_TS_MAX);
    assert_memory_equal(got.ts[7].lo, cfg[7].ts.lo, 16);
    assert_int_equal(ts_resolve(&got, cfg, CV_TS_MAX + 1, NULL, 0), CV_ERR_LIMIT);
}

static void narrowing_keeps_the_common_addresses(void **state)
{
    const struct cv_ts low = ts4(0, 0, UINT16_MAX, (const uint8_t[]){0, 0, 1, 100});
    const struct cv_ts high = ts4(0, 0, UINT16_MAX, (const uint8_t[]){1, 50, 9, 0});
    const struct cv_ts both = ts4(0, 0, UINT16_MAX, (const uint8_t[]){1, 50, 1, 100});

    (void)state;
    assert_narrows(LIST(low), LIST(high), LIST(both));
    assert_narrows(LIST(high), LIST(low), LIST(both));
    assert_narrows(LIST(net4(1)), LIST(net4(1)), LIST(net4(1)));
    assert_disjoint(LIST(net4(1)), LIST(net4(2)));
    assert_disjoint(LIST(net4(1)), LIST(all6()));
    assert_disjoint(LIST(net4(1)), (struct cv_ts_list){.n = 0});
}

static void narrowing_keeps_the_common_protocol_and_ports(void **state)
{
    const uint8_t here[] = {1, 0, 1, 255};
    const struct cv_ts web = ts4(TCP, 80, 443, here), high = ts4(TCP, 400, 9000, here);

    (void)state;
    assert_narrows(LIST(web), LIST(net4(1)), LIST(web));
    assert_narrows(LIST(net4(1)), LIST(web), LIST(web));
    assert_narrows(LIST(web), LIST(high), LIST(ts4(TCP, 400, 443, here)));
    assert_disjoint(LIST(web), LIST(ts4(UDP, 80, 443, here)));
    assert_disjoint(LIST(web), LIST(ts4(TCP, 22, 22, here)));
}

static void opaque_ports_agree_with_opaque_and_any_alone(void **state)
{
    const uint8_t here[] = {1, 0, 1, 255};
    const struct cv_ts opaque = ts4(UDP, UINT16_MAX, 0, here);
    const struct cv_ts any = ts4(UDP, 0, UINT16_MAX, here);

    (void)state;
    assert_narrows(LIST(opaque), LIST(any), LIST(opaque));
    assert_narrows(LIST(any), LIST(opaque), LIST(opaque));
    assert_narrows(LIST(opaque), LIST(opaque), LIST(opaque));
    assert_disjoint(LIST(opaque), LIST(ts4(UDP, 0, 65534, here)));
}

static void backward_ranges_have_nothing_in_common_with_anything(void **state)
{
    const uint8_t here[] = {1, 0, 1, 255}, backward[] = {1, 255, 1, 0};
    const struct cv_ts_list ports = LIST(ts4(UDP, 100, 50, here));
    const struct cv_ts_list addrs = LIST(ts4(0, 0, UINT16_MAX, backward));
    const struct cv_ts_list all = LIST(net4(1));

    (void)state;
    assert_disjoint(all, ports);
    assert_disjoint(all, addrs);
    assert_false(ts_within(&ports, &all));
    assert_false(ts_within(&addrs, &all));
}

static void the_order_is_theirs_then_ours_and_nothing_repeats(void **state)
{
    (void)state;
    assert_narrows(LIST(net4(1), net4(2), net4(3)), LIST(net4(3), net4(1), net4(3)),
                   LIST(net4(3), net4(1)));
    /* RFC 7296 section 2.9: the selector of the packet that began it all stays first. */
    assert_narrows(LIST(net4(1)), LIST(host4(1, 5), net4(1)), LIST(host4(1, 5), net4(1)));
    assert_narrows(LIST(net4(1)), LIST(net4(1), host4(1, 5)), LIST(net4(1)));
}

static void what_exceeds_the_list_is_narrowed_away(void **state)
{
    const struct cv_ts_list ours = LIST(net4(1), net4(2));
    struct cv_ts_list theirs = {.n = CV_TS_MAX}, got;

    (void)state;
    for (uint8_t i = 0; i < CV_TS_MAX; i++)
        theirs.ts[i] = ts4(0, 0, UINT16_MAX, (const uint8_t[]){1, i, 2, i});
    assert_int_equal(ts_narrow(&got, &ours, &theirs), CV_OK);
    assert_int_equal(got.n, CV_TS_MAX);
    assert_true(ts_within(&got, &ours));
}

/* However many the peer names, the part that is ours is found, and it is the same as by the
 * list. */
static void a_long_body_is_narrowed_as_a_list_is(void **state)
{
    const struct cv_ts_list ours = LIST(net4(1), net4(2));
    struct cv_ts_list theirs = LIST(host4(3, 1), host4(2, 9), net4(1)), by_list, by_body;
    uint8_t body[4 + 255 * 16];
    struct wr w = wr_init(body, sizeof(body));

    (void)state;
    ike_put_ts_body(&w, &theirs);
    assert_int_equal(ts_narrow(&by_list, &ours, &theirs), CV_OK);
    assert_int_equal(ts_narrow_body(&by_body, &ours, wr_done(&w)), CV_OK);
    assert_true(ts_equal(&by_list, &by_body));
    for (unsigned n = 3; n < 254; n++) /* of nobody, and ours at the end */
        wr_copy(&w, body + 4, 16);
    wr_copy(&w, body + 4 + 32, 16);
    wr_patch_u8(&w, 0, 255);
    assert_int_equal(ts_narrow_body(&by_body, &ours, wr_done(&w)), CV_OK);
    assert_true(ts_equal(&by_list, &by_body));
    theirs = LIST(host4(3, 1));
    w = wr_init(body, sizeof(body));
    ike_put_ts_body(&w, &theirs);
    assert_int_equal(ts_narrow_body(&by_body, &ours, wr_done(&w)), CV_ERR_TS);
}

static void within_asks_every_selector(void **state)
{
    const struct cv_ts_list nets = LIST(net4(1), net4(2)), hosts = LIST(host4(2, 9));
    const struct cv_ts_list mixed = LIST(host4(1, 1), host4(3, 1));
    const struct cv_ts_list web = LIST(ts4(TCP, 80, 80, (const uint8_t[]){1, 0, 1, 255}));

    (void)state;
    assert_true(ts_within(&hosts, &nets));
    assert_false(ts_within(&nets, &hosts));
    assert_false(ts_within(&mixed, &nets));
    assert_true(ts_within(&web, &nets));
    assert_false(ts_within(&nets, &web));
}

static void equal_sets_need_not_have_the_same_order(void **state)
{
    const struct cv_ts_list a = LIST(net4(1), net4(2)), b = LIST(net4(2), net4(1));
    const struct cv_ts_list c = LIST(net4(1));

    (void)state;
    assert_true(ts_equal(&a, &b));
    assert_false(ts_equal(&a, &c));
    assert_false(ts_equal(&c, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dynamic_selector_becomes_the_given_addresses),
        cmocka_unit_test(a_dynamic_selector_without_addresses_is_every_address),
        cmocka_unit_test(fixed_selectors_stay_and_more_than_the_list_holds_is_refused),
        cmocka_unit_test(narrowing_keeps_the_common_addresses),
        cmocka_unit_test(narrowing_keeps_the_common_protocol_and_ports),
        cmocka_unit_test(opaque_ports_agree_with_opaque_and_any_alone),
        cmocka_unit_test(backward_ranges_have_nothing_in_common_with_anything),
        cmocka_unit_test(the_order_is_theirs_then_ours_and_nothing_repeats),
        cmocka_unit_test(what_exceeds_the_list_is_narrowed_away),
        cmocka_unit_test(a_long_body_is_narrowed_as_a_list_is),
        cmocka_unit_test(within_asks_every_selector),
        cmocka_unit_test(equal_sets_need_not_have_the_same_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
