/* src/ipsec/ecn.c: RFC 6040 section 4.2, figure 4.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipsec/ecn.h"
#include "tests/support/ipsec_fixture.h"

enum { NOT_ECT = 0, ECT_1 = 1, ECT_0 = 2, CE = 3, DROPPED = -1 };

static const struct {
    uint8_t inner, outer;
    int want;
} cases[] = {
    {NOT_ECT, NOT_ECT, NOT_ECT},
    {NOT_ECT, ECT_0,   NOT_ECT},
    {NOT_ECT, ECT_1,   NOT_ECT},
    {NOT_ECT, CE,      DROPPED},
    {ECT_0,   NOT_ECT, ECT_0  },
    {ECT_0,   ECT_0,   ECT_0  },
    {ECT_0,   ECT_1,   ECT_1  },
    {ECT_0,   CE,      CE     },
    {ECT_1,   NOT_ECT, ECT_1  },
    {ECT_1,   ECT_0,   ECT_1  },
    {ECT_1,   ECT_1,   ECT_1  },
    {ECT_1,   CE,      CE     },
    {CE,      NOT_ECT, CE     },
    {CE,      ECT_0,   CE     },
    {CE,      ECT_1,   CE     },
    {CE,      CE,      CE     },
};

static void try_all(struct cv_addr src, struct cv_addr dst)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t dscp = (uint8_t)(i * 36 & 0xfc);
        uint8_t packet[BUF_LEN], before[BUF_LEN];
        const size_t n = make_udp(packet, src, dst, 1, 2, 9);
        struct ip_flow flow;

        set_tos(packet, dscp | cases[i].inner);
        assert_int_equal(ip_parse(&flow, span(packet, n)), CV_OK);
        memcpy(before, packet, n);
        if (cases[i].want == DROPPED) {
            assert_false(ecn_decapsulate(packet, &flow, cases[i].outer));
            assert_memory_equal(packet, before, n);
            continue;
        }
        assert_true(ecn_decapsulate(packet, &flow, 0x40 | cases[i].outer));
        assert_int_equal(flow.tos, dscp | cases[i].want);
        set_tos(before, dscp | (uint8_t)cases[i].want); /* with a checksum made anew */
        assert_memory_equal(packet, before, n);
        assert_int_equal(ip_parse(&flow, span(packet, n)), CV_OK);
    }
}

static void marks_reach_the_inner_ipv4_header_and_its_checksum(void **state)
{
    (void)state;
    try_all(ip4(10, 0, 0, 1), ip4(10, 0, 0, 2));
}

static void marks_reach_the_inner_ipv6_header(void **state)
{
    (void)state;
    try_all(ip6(1, 1), ip6(2, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_reach_the_inner_ipv4_header_and_its_checksum),
        cmocka_unit_test(marks_reach_the_inner_ipv6_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
