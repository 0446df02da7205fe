/* Which headers of a packet stand in front of ESP (RFC 4303 section 3.1.1).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hex.h"
#include "wire/ip.h"

enum { MAX = 256 };

#define IP4(ihl, frag) ihl "0000541234" frag "40010000c0000201c0000202"
#define IP6(next)                                                                              \
    "600123450020" next "4020010db800000000000000000000000120010db8000000000000000000000002"

/* A packet, how much of it stays outside and what is then next; and how much of it would have
 * to be there for all of it to be headers in front of ESP. */
static const struct front_case {
    const char *hex;
    enum cv_err err;
    size_t len, proto_at;
    uint8_t next;
    size_t all;
} cases[] = {
    {IP4("45",                                         "4000") "0800",            CV_OK,20,  9,1,20},
    {IP4("46",                                                "0000") "940400000800",                                                                  CV_OK,24,9,1,                                                                            24},
    {IP4("47",                                              "8000") "01010100ffffffff0800",                                                                       CV_OK,28,9,1,
     28}, /* NOP, end; then no matter */
    {IP4("47",                                               "0000") "830708c000020200",                                                                          CV_OK,28,9,1,28},
    {IP4("47",                                               "0000") "830704c000020200",                                                                       CV_ERR_SOURCE_ROUTE,28,   9,                                                                                          1,                                                                                                                                                                                              0},
    {IP4("47",                                              "0000") "890707c000020200",                                                                      CV_ERR_SOURCE_ROUTE, 28, 9,1,0},
    {IP4("47",                             "0000") "890708c000020200",CV_OK,28,9,1,                                                                                                                                                                                                                                                                          28},
    {IP4("46","0000") "83020000",                                CV_ERR_MALFORMED,                                                 24,                                                                                                                                                               9,                                                                                                                                                                                  1,0},
    {IP4("46",                                         "0000") "94050000",                                                       CV_ERR_MALFORMED,24,9,1,0},
    {IP4("46",                                                "0000") "94010000",                                                                  CV_ERR_MALFORMED,24,9,1,                                             0},
    {IP4("46",                                               "0000") "01010194",                                                                        CV_ERR_MALFORMED,24,9,1,                                                                                                                                                                                                                                                                                                                                                                                             0},
    {IP4("44",                                               "0000"),                                                                       CV_ERR_MALFORMED,16,9,1,0},
    {IP4("45",                                               "2000"),                                                                       CV_ERR_FRAGMENT,20,                                                                       9,                                                                                                                                                                                                                                          1,0},
    {IP4("45",                                              "0001"),                                                                      CV_ERR_FRAGMENT,20,                          9,                                              1,                                                                                                                                                                                              0},
    {IP6("11") "9c40075b00080000",                                 CV_OK,40,6,17,40},
    {IP6("00") "11000104000000009c40075b00080000",CV_OK,48,40,17,48},
    {IP6("00") "1101010c0000000000000000000000009c40",                     CV_OK,         56,40,                  17,                                                                                                                                                                         56                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        },
    {IP6("3c") "11000104000000009c40075b00080000",     CV_OK,                              40, 6,                                                                                                                                                             60,                                                                                                                                                                                                                                                                                                                                             48                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         },
    {IP6("00") "3c0001040000000011000104000000009c40", CV_OK, 48,40,60,56},
    {IP6("3c") "2b0001040000000011000000000000009c40",     CV_OK,                     56,48,17,56},
    {IP6("2b") "3c0004000000000011000104000000009c40", CV_OK,                     48,40,                              60,                                                          56                                                                                       },
    {IP6("2b") "11000401000000009c40", CV_ERR_SOURCE_ROUTE,                 48,40,       17,                                                                                                         0                                                                                                                                                                                                                                                                                                                                                       },
    {IP6("2c") "11000000000000019c40", CV_OK,                     48,40,17,48},
    {IP6("2c") "11000001000000019c40",                 CV_ERR_FRAGMENT,                       48,40,            17,    0},
    {IP6("2c") "11000008000000019c40",                 CV_ERR_FRAGMENT,                                     48,40,                  17,                                   0                                                                 },
    {IP6("00") "1101010400000000",                 CV_ERR_SHORT,           0,0,0,0},
    {"10",                 CV_ERR_VERSION,           0,0,0,0},
    {"",                     CV_ERR_SHORT,                  0,0,                       0,                                       0                                                  },
};

static void headers_are_cut_where_the_protected_part_begins(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct front_case *c = &cases[i];
        uint8_t octets[MAX];
        const size_t n = hex_read(octets, sizeof(octets), c->hex).n;
        struct ip_front front;

        assert_int_equal(ip_front_split(&front, span(octets, n)), c->err);
        if (c->err != CV_OK)
            continue;
        assert_int_equal(front.len, c->len);
        assert_int_equal(front.proto_at, c->proto_at);
        assert_int_equal(front.next, c->next);
        assert_int_equal(octets[front.proto_at], front.next);
    }
}

/* As they come in front of ESP: exactly so many octets are headers, none less and none more. */
static void headers_in_front_are_those_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct front_case *c = &cases[i];
        uint8_t octets[MAX];
        const size_t n = hex_read(octets, sizeof(octets), c->hex).n;
        struct ip_front front;

        for (size_t cut = 0; cut <= n; cut++) {
            const enum cv_err err = ip_front_take(&front, span(octets, cut));

            if (cut == c->all && cut > 0)
                assert_int_equal(err, CV_OK);
            else
                assert_int_not_equal(err, CV_OK);
        }
    }
}

static void every_prefix_of_the_headers_is_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct front_case *c = &cases[i];
        uint8_t octets[MAX];
        struct ip_front front;

        (void)hex_read(octets, sizeof(octets), c->hex);
        for (size_t cut = 0; c->err == CV_OK && cut < c->len; cut++)
            assert_int_equal(ip_front_split(&front, span(octets, cut)), CV_ERR_SHORT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_cut_where_the_protected_part_begins),
        cmocka_unit_test(headers_in_front_are_those_and_nothing_else),
        cmocka_unit_test(every_prefix_of_the_headers_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
