/* src/wire/ip_write.c, and src/wire/ah_hdr.c's header: what is written reads back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ah_hdr.h"
#include "wire/ip.h"
#include "wire_test.h"

static struct ip_head head(bool v6)
{
    return (struct ip_head){
        .src = {v6 ? CV_IPV6 : CV_IPV4, {10, 0, 0, 1}},
        .dst = {v6 ? CV_IPV6 : CV_IPV4, {10, 0, 0, 2}},
        .proto = 99,
        .tos = 0xb9,
        .ttl = 7,
        .df = true,
        .id = 0x1234,
    };
}

static void written_header_reads_back(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (size_t n = 0; n < 70; n++) {
            const struct ip_head h = head(v6);
            uint8_t p[128] = {0};
            struct ip_flow f;

            ip_put_head(p, &h, n);
            assert_int_equal(ip_parse(&f, span(p, ip_head_len(h.src.family) + n)), CV_OK);
            assert_int_equal(f.total_len, ip_head_len(h.src.family) + n);
            assert_int_equal(f.hdr_len, ip_head_len(h.src.family));
            assert_true(addr_equal(&f.src, &h.src) && addr_equal(&f.dst, &h.dst));
            assert_int_equal(f.proto, 99);
            assert_int_equal(p[f.proto_at], 99);
            assert_int_equal(f.tos, 0xb9);
            assert_int_equal(p[v6 ? 7 : 8], 7);
            assert_true(f.df);
            assert_false(f.fragment);
        }
    }
}

static void patched_packet_has_its_new_length_and_protocol(void **state)
{
    (void)state;
    for (unsigned v6 = 0; v6 < 2; v6++) {
        const struct ip_head h = head(v6);
        uint8_t p[128] = {0};
        struct ip_flow f;

        ip_put_head(p, &h, 60);
        assert_int_equal(ip_parse(&f, span(p, sizeof(p))), CV_OK);
        ip_patch(p, f.hdr_len + 31, f.proto_at, 51);
        assert_int_equal(ip_parse(&f, span(p, sizeof(p))), CV_OK);
        assert_int_equal(f.total_len, f.hdr_len + 31);
        assert_int_equal(f.proto, 51);
    }
}

/* The last header that names a protocol is where an AH would be put in. */
static void protocol_is_named_by_the_last_extension_header(void **state)
{
    const struct ip_head h = head(true);
    uint8_t p[128] = {0};
    struct ip_flow f;

    (void)state;
    ip_put_head(p, &h, 24);
    p[6] = 0;   /* hop-by-hop, then */
    p[40] = 60; /* destination options, then */
    p[48] = 17;
    assert_int_equal(ip_parse(&f, span(p, 64)), CV_OK);
    assert_int_equal(f.proto, 17);
    assert_int_equal(f.proto_at, 48);
    assert_int_equal(f.hdr_len, 56);
}

/* UDP from 10.0.0.1 port 1000 to 10.0.0.2 port 2000, as scapy writes it. */
static void upper_checksum_is_that_of_another_implementation(void **state)
{
    static const uint8_t udp[] = {0x03, 0xe8, 0x07, 0xd0, 0,   0x0f, 0,  0,
                                  'c',  'u',  'l',  'v',  'e', 'r',  't'};
    const struct cv_addr a4 =
                             {
                                 CV_IPV4, {10, 0, 0, 1}
    },
                         b4 = {CV_IPV4, {10, 0, 0, 2}};
    const struct cv_addr a6 = {
        CV_IPV6, {0x20, 1, 0x0d, 0xb8, [15] = 1}
    };
    const struct cv_addr b6 = {
        CV_IPV6, {0x20, 1, 0x0d, 0xb8, [15] = 2}
    };

    (void)state;
    assert_int_equal(ip_upper_checksum(&a4, &b4, 17, ALL(udp)), 0x36b7);
    assert_int_equal(ip_upper_checksum(&a6, &b6, 17, ALL(udp)), 0xef44);
}

static enum cv_err parse_ah(struct cv_span s)
{
    struct ah_header h;

    return ah_parse(&h, s, false);
}

static void ah_header_reads_back_and_no_prefix_does(void **state)
{
    uint8_t p[64];

    (void)state;
    for (size_t len = AH_FIXED_LEN; len <= 48; len += 4) {
        const struct ah_header h = {.next = 17, .len = len, .spi = 0x12345678, .seq_low = 9};
        struct wr w = wr_init(p, sizeof(p));
        struct ah_header got;

        ah_put(&w, &h);
        assert_int_equal(wr_done(&w).n, len);
        assert_int_equal(ah_parse(&got, wr_done(&w), false), CV_OK);
        assert_int_equal(got.next, 17);
        assert_int_equal(got.len, len);
        assert_int_equal(got.spi, 0x12345678);
        assert_int_equal(got.seq_low, 9);
        assert_prefixes_refused(parse_ah, wr_done(&w));
        assert_int_equal(ah_parse(&got, wr_done(&w), true),
                         len % 8 == 0 ? CV_OK : CV_ERR_MALFORMED);
    }
    p[1] = 0; /* eight octets in all: less than its own fixed part */
    assert_int_equal(parse_ah(ALL(p)), CV_ERR_MALFORMED);
    p[1] = 255;
    assert_int_equal(parse_ah(ALL(p)), CV_ERR_SHORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_header_reads_back),
        cmocka_unit_test(patched_packet_has_its_new_length_and_protocol),
        cmocka_unit_test(protocol_is_named_by_the_last_extension_header),
        cmocka_unit_test(upper_checksum_is_that_of_another_implementation),
        cmocka_unit_test(ah_header_reads_back_and_no_prefix_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
