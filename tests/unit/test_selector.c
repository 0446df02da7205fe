/* src/ident/selector.c: one selector against one packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ident/selector.h"

enum { UDP = 17, TCP = 6, ICMP = 1, NO_PORT = -1 };

/* clang-format off */
#define V4 CV_IPV4
#define V6 CV_IPV6
#define ANY 0, 65535
#define OPAQUE 65535, 0
#define ECHO 0x0800, 0x0800
#define UNREACH 0x0300, 0x03ff
#define FEW {10, 0, 0, 5}, {10, 0, 0, 9}
#define NET {10, 0, 0, 0}, {10, 255, 255, 255}

static const struct {
    const char *what;
    struct cv_ts ts;
    uint8_t family, last_octet, proto;
    int port;
    bool want;
} cases[] = {
    /* what, selector (family, protocol, ports, addresses); packet (family, last octet,
     * protocol, port); match */
    {"address inside",               {V4, 0,    ANY,       FEW}, V4, 7,  UDP,  53,      true},
    {"lowest address",               {V4, 0,    ANY,       FEW}, V4, 5,  UDP,  53,      true},
    {"highest address",              {V4, 0,    ANY,       FEW}, V4, 9,  UDP,  53,      true},
    {"below",                        {V4, 0,    ANY,       FEW}, V4, 4,  UDP,  53,      false},
    {"above",                        {V4, 0,    ANY,       FEW}, V4, 10, UDP,  53,      false},
    {"other family, same octets",    {V6, 0,    ANY,       FEW}, V4, 7,  UDP,  53,      false},
    {"family of the packet IPv6",    {V4, 0,    ANY,       FEW}, V6, 7,  UDP,  53,      false},
    {"protocol equal",               {V4, UDP,  ANY,       NET}, V4, 7,  UDP,  53,      true},
    {"protocol other",               {V4, TCP,  ANY,       NET}, V4, 7,  UDP,  53,      false},
    {"port equal",                   {V4, UDP,  53, 53,    NET}, V4, 7,  UDP,  53,      true},
    {"port below",                   {V4, UDP,  53, 60,    NET}, V4, 7,  UDP,  52,      false},
    {"port above",                   {V4, UDP,  53, 60,    NET}, V4, 7,  UDP,  61,      false},
    {"port zero in the packet",      {V4, UDP,  1, 65535,  NET}, V4, 7,  UDP,  0,       false},
    {"fragment against one port",    {V4, UDP,  53, 53,    NET}, V4, 7,  UDP,  NO_PORT, false},
    {"fragment against port zero",   {V4, UDP,  0, 0,      NET}, V4, 7,  UDP,  NO_PORT, false},
    {"fragment against all but one", {V4, UDP,  0, 65534,  NET}, V4, 7,  UDP,  NO_PORT, false},
    {"fragment against ANY",         {V4, UDP,  ANY,       NET}, V4, 7,  UDP,  NO_PORT, true},
    {"fragment against OPAQUE",      {V4, UDP,  OPAQUE,    NET}, V4, 7,  UDP,  NO_PORT, true},
    {"known port against OPAQUE",    {V4, UDP,  OPAQUE,    NET}, V4, 7,  UDP,  53,      false},
    {"ICMP echo request",            {V4, ICMP, ECHO,      NET}, V4, 7,  ICMP, 0x0800,  true},
    {"ICMP type with every code",    {V4, ICMP, UNREACH,   NET}, V4, 7,  ICMP, 0x0304,  true},
    {"ICMP other type",              {V4, ICMP, UNREACH,   NET}, V4, 7,  ICMP, 0x0800,  false},
    {"port range of any protocol",   {V4, 0,    53, 53,    NET}, V4, 7,  TCP,  53,      true},
};

static const struct {
    struct cv_ts ts;
    uint8_t prefix, narrow;
} merits[] = {
    {{CV_IPV4, 0,   ANY,    {10, 0, 0, 5}, {10, 0, 0, 5}},       32, 0},
    {{CV_IPV4, UDP, ANY,    {10, 0, 0, 4}, {10, 0, 0, 5}},       31, 1},
    {{CV_IPV4, UDP, 53, 53, {10, 0, 0, 5}, {10, 0, 0, 6}},       30, 2},
    {{CV_IPV4, UDP, OPAQUE, {10, 0, 0, 0}, {10, 0, 0, 255}},     24, 2},
    {{CV_IPV4, 0,   ANY,    {0}, {255, 255, 255, 255}},          0,  0},
    {{CV_IPV4, 0,   ANY,    {127, 255, 255, 255}, {128}},        0,  0},
    {{CV_IPV6, 0,   ANY,    {0x20, 1}, {0x20, 1}},               128, 0},
    {{CV_IPV6, 0,   ANY,    {0x20, 1}, {0x20, 1, [15] = 0xff}},  120, 0},
    {{CV_IPV6, 0,   ANY,    {0xfe, 0x80}, {0xfe, 0xbf}},         10, 0},
};
/* clang-format on */

static void selector_matches_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct cv_addr addr = {
            cases[i].family, {10, 0, 0, cases[i].last_octet}
        };
        const struct flow_end end = {
            .addr = &addr,
            .proto = cases[i].proto,
            .port_known = cases[i].port != NO_PORT,
            .port = cases[i].port != NO_PORT ? (uint16_t)cases[i].port : 0,
        };

        if (selector_has(&cases[i].ts, &end) != cases[i].want)
            fail_msg("%s", cases[i].what);
    }
}

static void prefix_is_what_all_addresses_share(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(merits) / sizeof(merits[0]); i++) {
        assert_int_equal(selector_prefix(&merits[i].ts), merits[i].prefix);
        assert_int_equal(selector_narrow(&merits[i].ts), merits[i].narrow);
    }
}

static void selectors_are_equal_only_in_every_field(void **state)
{
    const struct cv_ts a = {CV_IPV4, UDP, 1, 2, {10}, {11}};
    struct cv_ts b = a;

    (void)state;
    assert_true(selector_equal(&a, &b));
    b.family = CV_IPV6;
    assert_false(selector_equal(&a, &b));
    b = a, b.proto = TCP;
    assert_false(selector_equal(&a, &b));
    b = a, b.port_lo = 0;
    assert_false(selector_equal(&a, &b));
    b = a, b.port_hi = 3;
    assert_false(selector_equal(&a, &b));
    b = a, b.lo[15] = 1;
    assert_false(selector_equal(&a, &b));
    b = a, b.hi[15] = 1;
    assert_false(selector_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selector_matches_as_the_table_says),
        cmocka_unit_test(prefix_is_what_all_addresses_share),
        cmocka_unit_test(selectors_are_equal_only_in_every_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
