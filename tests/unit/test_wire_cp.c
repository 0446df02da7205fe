/* src/wire/ike_cp.c: configuration payloads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ike.h"
#include "wire/ip.h"
#include "wire_test.h"

#define V6_DB8 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

/* clang-format off */
static const uint8_t reply[] = {
    CP_REPLY, 0, 0, 0,
    0, CP_IP4_ADDRESS, 0, 4, 10, 9, 8, 7,
    0, CP_IP6_ADDRESS, 0, 17, V6_DB8, 1, 64,
    0, CP_IP4_DNS, 0, 4, 192, 0, 2, 53,
    0, CP_IP6_DNS, 0, 16, V6_DB8, 0x53,
};

static const uint8_t request[] = {
    CP_REQUEST, 0, 0, 0, /* an address of each family and DNS servers, whatever they are */
    0, CP_IP4_ADDRESS, 0, 0,
    0, CP_IP6_ADDRESS, 0, 0,
    0, CP_IP4_DNS, 0, 0,
    0, CP_IP6_DNS, 0, 0,
};
/* clang-format on */

static enum cv_err parse(struct cv_span s)
{
    struct ike_cp cp;

    return ike_parse_cp(&cp, s);
}

static void cp_reads_addresses_and_servers(void **state)
{
    static const uint8_t v6[] = {V6_DB8, 1}, dns6[] = {V6_DB8, 0x53};
    struct ike_cp cp;

    (void)state;
    assert_int_equal(ike_parse_cp(&cp, ALL(reply)), CV_OK);
    assert_int_equal(cp.type, CP_REPLY);
    assert_true(cp.has_v4 && cp.has_v6);
    assert_int_equal(cp.v4.family, CV_IPV4);
    assert_memory_equal(cp.v4.b, "\x0a\x09\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(cp.v6.family, CV_IPV6);
    assert_memory_equal(cp.v6.b, v6, 16);
    assert_int_equal(cp.v6_prefix, 64);
    assert_int_equal(cp.n_dns, 2);
    assert_memory_equal(cp.dns[0].b, "\xc0\0\2\x35", 4);
    assert_int_equal(cp.dns[1].family, CV_IPV6);
    assert_memory_equal(cp.dns[1].b, dns6, 16);
}

static void cp_reads_empty_attributes_as_questions(void **state)
{
    struct ike_cp cp;

    (void)state;
    assert_int_equal(ike_parse_cp(&cp, ALL(request)), CV_OK);
    assert_int_equal(cp.type, CP_REQUEST);
    assert_true(cp.has_v4 && cp.has_v6 && cp.want_dns4 && cp.want_dns6);
    assert_int_equal(cp.v4.family, CV_IPV4);
    assert_true(addr_is_zero(&cp.v4));
    assert_int_equal(cp.v6.family, CV_IPV6);
    assert_true(addr_is_zero(&cp.v6));
    assert_int_equal(cp.n_dns, 0);
}

static void cp_is_written_as_it_is_read(void **state)
{
    uint8_t buf[sizeof(reply)];
    struct ike_cp cp;
    struct wr w = wr_init(buf, sizeof(buf));

    (void)state;
    assert_int_equal(ike_parse_cp(&cp, ALL(reply)), CV_OK);
    ike_put_cp_body(&w, &cp);
    assert_span_is(wr_done(&w), reply, sizeof(reply));
    assert_int_equal(ike_parse_cp(&cp, ALL(request)), CV_OK);
    w = wr_init(buf, sizeof(buf));
    ike_put_cp_body(&w, &cp);
    assert_span_is(wr_done(&w), request, sizeof(request));
}

static bool is_between_attributes(size_t n)
{
    return n == 4 || n == 12 || n == 33 || n == 41;
}

/* A payload may end after any attribute, so those prefixes are payloads too. */
static void cp_refuses_every_prefix_that_cuts_an_attribute(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(reply); n++)
        assert_int_equal(parse_exact(parse, ALL(reply), n),
                         is_between_attributes(n) ? CV_OK : CV_ERR_MALFORMED);
    assert_trailing_octet_refused(parse, ALL(reply));
}

static void cp_refuses_values_that_are_neither_empty_nor_whole(void **state)
{
    static const struct {
        uint8_t type, len;
    } whole[] = {
        {CP_IP4_ADDRESS, 4 },
        {CP_IP4_NETMASK, 4 },
        {CP_IP4_DNS,     4 },
        {CP_IP6_ADDRESS, 17},
        {CP_IP6_DNS,     16},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(whole); i++)
        for (uint8_t n = 0; n <= 20; n++) {
            const uint8_t body[8 + 20] = {CP_REPLY, 0, 0, 0, 0, whole[i].type, 0, n};

            assert_int_equal(parse(span(body, 8U + n)),
                             n == 0 || n == whole[i].len ? CV_OK : CV_ERR_MALFORMED);
        }
}

static void cp_refuses_a_prefix_longer_than_an_address(void **state)
{
    static const uint8_t body[] = {CP_REPLY, 0, 0, 0, 0, CP_IP6_ADDRESS, 0, 17, V6_DB8, 1, 129};

    (void)state;
    assert_int_equal(parse(ALL(body)), CV_ERR_MALFORMED);
}

static void cp_skips_unknown_attributes_and_ignores_the_reserved_bit(void **state)
{
    static const uint8_t body[] = {
        CP_REPLY, 1, 2, 3,              /* RESERVED */
        0x70,     1, 0, 3, 1,  2, 3,    /* private use */
        0x80,     1, 0, 4, 10, 0, 0, 1, /* IP4_ADDRESS, reserved bit set */
        0,        7, 0, 0,              /* APPLICATION_VERSION */
    };
    struct ike_cp cp;

    (void)state;
    assert_int_equal(ike_parse_cp(&cp, ALL(body)), CV_OK);
    assert_true(cp.has_v4);
    assert_int_equal(cp.v4.b[0], 10);
}

static void cp_has_no_use_for_a_netmask(void **state)
{
    static const uint8_t body[] = {CP_REPLY, 0, 0,   0,   0,   CP_IP4_NETMASK,
                                   0,        4, 255, 255, 255, 0};
    struct ike_cp cp;

    (void)state;
    assert_int_equal(ike_parse_cp(&cp, ALL(body)), CV_OK);
    assert_false(cp.has_v4 || cp.has_v6 || cp.want_dns4 || cp.want_dns6);
}

static void cp_keeps_the_first_address_and_the_first_four_servers(void **state)
{
    uint8_t buf[128];
    struct wr w = wr_init(buf, sizeof(buf));
    struct ike_cp cp;

    (void)state;
    wr_u32(&w, (uint32_t)CP_REPLY << 24);
    for (uint8_t i = 1; i <= 6; i++) {
        wr_u32(&w, (uint32_t)CP_IP4_ADDRESS << 16 | 4);
        wr_u32(&w, i);
        wr_u32(&w, (uint32_t)CP_IP4_DNS << 16 | 4);
        wr_u32(&w, i);
    }
    assert_int_equal(ike_parse_cp(&cp, wr_done(&w)), CV_OK);
    assert_int_equal(cp.v4.b[3], 1);
    assert_int_equal(cp.n_dns, 4);
    assert_int_equal(cp.dns[3].b[3], 4);
}

static void attributes_that_nobody_knows_go_through_as_they_are(void **state)
{
    static const uint8_t split[] = {0x70, 4, 0, 4, 10, 0, 0, 0, 0, 25, 0, 1, 'x'};
    struct ike_cp cp = {.type = CP_REPLY, .want_domains = true, .further = ALL(split)};
    uint8_t buf[64];
    struct wr w = wr_init(buf, sizeof(buf));
    struct cv_span value;
    uint16_t type;
    struct rd r;

    (void)state;
    ike_put_cp_body(&w, &cp);
    assert_int_equal(ike_parse_cp(&cp, wr_done(&w)), CV_OK);
    r = rd_init(cp.seen);
    assert_true(ike_next_cp_attribute(&r, &type, &value));
    assert_true(type == CP_DNS_DOMAIN && value.n == 0);
    assert_true(ike_next_cp_attribute(&r, &type, &value));
    assert_true(type == 0x7004 && value.n == 4);
    assert_true(ike_next_cp_attribute(&r, &type, &value));
    assert_true(type == CP_DNS_DOMAIN && value.n == 1 && value.p[0] == 'x');
    assert_false(ike_next_cp_attribute(&r, &type, &value));
    for (size_t n = 1; n < sizeof(split); n++) {
        r = rd_init(span(split, n));
        while (ike_next_cp_attribute(&r, &type, &value))
            ;
        assert_true(rd_done(&r) == (n == 8));
    }
}

static void a_domain_is_letters_digits_and_dots(void **state)
{
    (void)state;
    assert_true(ike_domain_is_plain(span("corp.example", 12)));
    assert_true(ike_domain_is_plain(span("_x-1.Y.", 7)));
    for (const char *const *bad = (const char *const[]){"", ".x", "-x", "a b", "a;b", "$(x)",
                                                        "a\n", "\xc3\xa9", NULL};
         *bad != NULL; bad++)
        assert_false(ike_domain_is_plain(span(*bad, strlen(*bad))));
    assert_false(ike_domain_is_plain(span("a\0b", 3)));
}

static void random_payloads_survive_a_round_trip(void **state)
{
    uint64_t seed = 315;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct ike_cp want, got;
        uint8_t buf[160], again[160];
        struct wr w = wr_init(buf, sizeof(buf)), w2 = wr_init(again, sizeof(again));

        memset(&want, 0, sizeof(want));
        want.type = CP_REPLY;
        want.has_v4 = chance(&seed) & 1;
        want.has_v6 = chance(&seed) & 1;
        want.v4.family = want.has_v4 ? CV_IPV4 : 0;
        want.v6.family = want.has_v6 ? CV_IPV6 : 0;
        chance_fill(&seed, want.v4.b, addr_len(want.v4.family));
        chance_fill(&seed, want.v6.b, addr_len(want.v6.family));
        want.v6_prefix = want.has_v6 ? (uint8_t)(chance(&seed) % 129) : 0;
        want.n_dns = (uint8_t)(chance(&seed) % 5);
        for (unsigned i = 0; i < want.n_dns; i++) {
            want.dns[i].family = chance(&seed) & 1 ? CV_IPV4 : CV_IPV6;
            chance_fill(&seed, want.dns[i].b, addr_len(want.dns[i].family));
        }
        ike_put_cp_body(&w, &want);
        assert_int_equal(ike_parse_cp(&got, wr_done(&w)), CV_OK);
        assert_int_equal(got.has_v4, want.has_v4);
        assert_true(addr_equal(&got.v4, &want.v4));
        assert_true(addr_equal(&got.v6, &want.v6));
        assert_int_equal(got.v6_prefix, want.v6_prefix);
        assert_int_equal(got.n_dns, want.n_dns);
        assert_memory_equal(got.dns, want.dns, sizeof(want.dns));
        ike_put_cp_body(&w2, &got);
        assert_span_is(wr_done(&w2), buf, w.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cp_reads_addresses_and_servers),
        cmocka_unit_test(cp_reads_empty_attributes_as_questions),
        cmocka_unit_test(cp_is_written_as_it_is_read),
        cmocka_unit_test(cp_refuses_every_prefix_that_cuts_an_attribute),
        cmocka_unit_test(cp_refuses_values_that_are_neither_empty_nor_whole),
        cmocka_unit_test(cp_refuses_a_prefix_longer_than_an_address),
        cmocka_unit_test(cp_skips_unknown_attributes_and_ignores_the_reserved_bit),
        cmocka_unit_test(cp_has_no_use_for_a_netmask),
        cmocka_unit_test(cp_keeps_the_first_address_and_the_first_four_servers),
        cmocka_unit_test(attributes_that_nobody_knows_go_through_as_they_are),
        cmocka_unit_test(a_domain_is_letters_digits_and_dots),
        cmocka_unit_test(random_payloads_survive_a_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
