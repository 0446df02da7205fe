/* src/ipsec/mss.c: lowering the segment size of a TCP SYN.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ipsec/mss.h"
#include "tests/support/ipsec_fixture.h"

enum { SYN = 2, ACK = 16 };

/* A TCP packet with these options, whose checksum is right; returns its length. */
static size_t make_tcp(uint8_t *out, bool v6, uint8_t flags, const uint8_t *options, size_t n)
{
    const struct cv_addr src = v6 ? ip6(1, 1) : ip4(10, 0, 0, 1);
    const struct cv_addr dst = v6 ? ip6(1, 2) : ip4(10, 0, 0, 2);
    const size_t head = ip_head_len(src.family);
    const size_t total = make_udp(out, src, dst, 1000, 80, 12 + n);
    uint8_t *tcp = out + head;
    uint16_t sum;

    memset(tcp + 4, 0, 16);
    tcp[12] = (uint8_t)((20 + n) / 4 << 4);
    tcp[13] = flags;
    memcpy(tcp + 20, options, n);
    ip_patch(out, total, v6 ? 6 : 9, IPPROTO_NUM_TCP);
    sum = ip_upper_checksum(&src, &dst, IPPROTO_NUM_TCP, span(tcp, 20 + n));
    tcp[16] = (uint8_t)(sum >> 8);
    tcp[17] = (uint8_t)sum;
    return total;
}

/* Clamps in a buffer that ends where the packet does; true when the packet has changed. */
static bool clamp(uint8_t *packet, size_t n, size_t mtu, size_t mss)
{
    uint8_t *exact = malloc(n);
    struct ip_flow f;
    bool changed;

    assert_non_null(exact);
    memcpy(exact, packet, n);
    assert_int_equal(ip_parse(&f, span(exact, n)), CV_OK);
    mss_clamp(exact, &f, mtu, mss);
    changed = memcmp(exact, packet, n) != 0;
    memcpy(packet, exact, n);
    free(exact);
    if (changed)
        assert_int_equal(
            ip_upper_checksum(&f.src, &f.dst, f.proto, span(packet + f.hdr_len, n - f.hdr_len)),
            0);
    return changed;
}

static void larger_mss_is_lowered_and_the_checksum_follows(void **state)
{
    /* at an even and at an odd offset */
    static const uint8_t even[] = {2, 4, 0x05, 0xb4, 1, 1, 1, 0};
    static const uint8_t odd[] = {1, 2, 4, 0x05, 0xb4, 4, 2, 0};
    uint8_t p[BUF_LEN];

    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const size_t head = v6 ? 40 : 20;

        for (unsigned mss = 1; mss < 1470; mss += 13) {
            size_t n = make_tcp(p, v6, SYN, even, sizeof(even));

            assert_int_equal(clamp(p, n, SIZE_MAX, mss), mss < 1460);
            assert_int_equal(p[head + 22] << 8 | p[head + 23], mss < 1460 ? mss : 1460);
            n = make_tcp(p, v6, SYN | ACK, odd, sizeof(odd));
            assert_int_equal(clamp(p, n, SIZE_MAX, mss), mss < 1460);
            assert_int_equal(p[head + 23] << 8 | p[head + 24], mss < 1460 ? mss : 1460);
        }
    }
}

static void mtu_gives_the_limit_less_both_headers(void **state)
{
    static const uint8_t option[] = {2, 4, 0x05, 0xb4};
    uint8_t p[BUF_LEN];

    (void)state;
    assert_true(clamp(p, make_tcp(p, false, SYN, option, 4), 1400, UINT16_MAX));
    assert_int_equal(p[42] << 8 | p[43], 1360);
    assert_true(clamp(p, make_tcp(p, true, SYN, option, 4), 1400, UINT16_MAX));
    assert_int_equal(p[62] << 8 | p[63], 1340);
    assert_true(clamp(p, make_tcp(p, false, SYN, option, 4), 1400, 500));
    assert_int_equal(p[42] << 8 | p[43], 500);
}

static void other_packets_stay_as_they_are(void **state)
{
    static const uint8_t option[] = {2, 4, 0x05, 0xb4};
    uint8_t p[BUF_LEN];

    (void)state;
    assert_false(clamp(p, make_tcp(p, false, ACK, option, 4), 1000, 100));
    assert_false(clamp(p, make_udp(p, ip4(1, 1, 1, 1), ip4(1, 1, 1, 2), 1, 2, 50), 1000, 100));
}

static void options_that_lie_are_left_alone(void **state)
{
    /* clang-format off */
    static const uint8_t lies[][8] = {
        {2, 3, 0x05, 0xb4}, {2, 5, 0x05, 0xb4},    {1, 1, 1, 2},           {0, 2, 4, 5, 0xb4},
        {3, 0, 2, 4, 5, 0}, {3, 1, 2, 4, 5, 0xb4}, {3, 200, 2, 4, 5, 0x8},
        {1, 1, 1, 1, 1, 1, 2, 4},
    };
    /* clang-format on */
    static const uint8_t option[] = {2, 4, 0x05, 0xb4};
    uint8_t p[BUF_LEN];

    (void)state;
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        assert_false(clamp(p, make_tcp(p, false, SYN, lies[i], 8), 1000, 100));
    for (unsigned words = 0; words < 16; words++) { /* a data offset that lies */
        const size_t n = make_tcp(p, false, SYN, option, 4);
        struct ip_flow f;

        p[32] = (uint8_t)(words << 4);
        assert_int_equal(ip_parse(&f, span(p, n)), CV_OK);
        mss_clamp(p, &f, 1000, 100);
        assert_int_equal(p[43], words == 6 ? 100 : 0xb4);
    }
    for (size_t n = 20; n < 44; n++) { /* and a packet cut short */
        make_tcp(p, false, SYN, option, 4);
        ip_patch(p, n, 9, IPPROTO_NUM_TCP);
        assert_false(clamp(p, n, 1000, 100));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(larger_mss_is_lowered_and_the_checksum_follows),
        cmocka_unit_test(mtu_gives_the_limit_less_both_headers),
        cmocka_unit_test(other_packets_stay_as_they_are),
        cmocka_unit_test(options_that_lie_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
