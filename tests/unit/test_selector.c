/* src/ipsec/selector.c: one selector against one packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipsec/selector.h"

enum { UDP = 17, TCP = 6, ICMP = 1 };

#define ANY 0, 65535
#define OPAQUE 65535, 0

/* clang-format off */
static const struct {
    const char *what;
    struct cv_ts ts;
    uint8_t family, last_octet, proto;
    bool port_known;
    uint16_t port;
    bool want;
} cases[] = {
    /* what                              family   proto ports     lo            hi                 packet */
    {"address inside",                   {CV_IPV4, 0,    ANY,      {10, 0, 0, 5}, {10, 0, 0, 9}}, CV_IPV4, 7, UDP, true, 53, true},
    {"lowest address",                   {CV_IPV4, 0,    ANY,      {10, 0, 0, 5}, {10, 0, 0, 9}}, CV_IPV4, 5, UDP, true, 53, true},
    {"highest address",                  {CV_IPV4, 0,    ANY,      {10, 0, 0, 5}, {10, 0, 0, 9}}, CV_IPV4, 9, UDP, true, 53, true},
    {"below",                            {CV_IPV4, 0,    ANY,      {10, 0, 0, 5}, {10, 0, 0, 9}}, CV_IPV4, 4, UDP, true, 53, false},
    {"above",                            {CV_IPV4, 0,    ANY,      {10, 0, 0, 5}, {10, 0, 0, 9}}, CV_IPV4, 10, UDP, true, 53, false},
    {"other family, same octets",        {CV_IPV6, 0,    ANY,      {10, 0, 0, 5}, {10, 0, 0, 9}}, CV_IPV4, 7, UDP, true, 53, false},
    {"family of the packet IPv6",        {CV_IPV4, 0,    ANY,      {10, 0, 0, 5}, {10, 0, 0, 9}}, CV_IPV6, 7, UDP, true, 53, false},
    {"protocol equal",                   {CV_IPV4, UDP,  ANY,      {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, true, 53, true},
    {"protocol other",                   {CV_IPV4, TCP,  ANY,      {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, true, 53, false},
    {"port equal",                       {CV_IPV4, UDP,  53, 53,   {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, true, 53, true},
    {"port below",                       {CV_IPV4, UDP,  53, 60,   {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, true, 52, false},
    {"port above",                       {CV_IPV4, UDP,  53, 60,   {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, true, 61, false},
    {"port zero in the packet",          {CV_IPV4, UDP,  1, 65535, {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, true, 0, false},
    {"fragment against one port",        {CV_IPV4, UDP,  53, 53,   {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, false, 0, false},
    {"fragment against port zero",       {CV_IPV4, UDP,  0, 0,     {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, false, 0, false},
    {"fragment against all but one",     {CV_IPV4, UDP,  0, 65534, {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, false, 0, false},
    {"fragment against ANY",             {CV_IPV4, UDP,  ANY,      {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, false, 0, true},
    {"fragment against OPAQUE",          {CV_IPV4, UDP,  OPAQUE,   {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, false, 0, true},
    {"known port against OPAQUE",        {CV_IPV4, UDP,  OPAQUE,   {10}, {10, 255, 255, 255}},    CV_IPV4, 7, UDP, true, 53, false},
    {"ICMP echo request",                {CV_IPV4, ICMP, 0x0800, 0x0800, {10}, {10, 255, 255, 255}}, CV_IPV4, 7, ICMP, true, 0x0800, true},
    {"ICMP type with every code",        {CV_IPV4, ICMP, 0x0300, 0x03ff, {10}, {10, 255, 255, 255}}, CV_IPV4, 7, ICMP, true, 0x0304, true},
    {"ICMP other type",                  {CV_IPV4, ICMP, 0x0300, 0x03ff, {10}, {10, 255, 255, 255}}, CV_IPV4, 7, ICMP, true, 0x0800, false},
    {"port range of any protocol",       {CV_IPV4, 0,    53, 53,   {10}, {10, 255, 255, 255}},    CV_IPV4, 7, TCP, true, 53, true},
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
        const struct flow_end end = {&addr, cases[i].proto, cases[i].port_known, cases[i].port};

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
