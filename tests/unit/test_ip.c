/* src/wire/ip.c and addr.c: what policy sees of a packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wire/ip.h"
#include "wire_test.h"

/* clang-format off */
static const uint8_t udp4[] = {
    0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, 17, 0xb8, 0xb4,  /* 32 octets, DF, TTL, UDP, checksum */
    192, 168, 0, 1, 192, 168, 0, 199,                   /* addresses */
    0xc0, 0, 0, 53, 0, 12, 0, 0, 1, 2, 3, 4,            /* ports, length, data */
};

static const uint8_t tcp6[] = {
    0x6b, 0x80, 0, 1, 0, 12, 0, 64,                        /* traffic class 0xb8, 12 octets */
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, /* addresses */
    0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    6, 0, 1, 4, 0, 0, 0, 0,                                /* hop-by-hop: PadN, then TCP */
    0, 80, 0x1f, 0x90,                                     /* ports, and no more than that */
};
/* clang-format on */

static enum cv_err parse(struct cv_span s)
{
    struct ip_flow f;

    return ip_parse(&f, s);
}

static void put_checksum(uint8_t *ip4)
{
    uint16_t sum;

    ip4[10] = ip4[11] = 0;
    sum = ip_checksum(span(ip4, (size_t)(ip4[0] & 15) * 4));
    ip4[10] = (uint8_t)(sum >> 8);
    ip4[11] = (uint8_t)sum;
}

static void checksum_is_that_of_rfc_1071(void **state)
{
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    static const uint8_t many[3000] = {0};
    uint8_t ones[3000];

    (void)state;
    assert_int_equal(ip_checksum(ALL(example)), (uint16_t)~0xddf2);
    assert_int_equal(ip_checksum(span(example, 7)), (uint16_t)~0xdcfb);
    assert_int_equal(ip_checksum(span(NULL, 0)), 0xffff);
    assert_int_equal(ip_checksum(ALL(many)), 0xffff);
    memset(ones, 0xff, sizeof(ones));
    assert_int_equal(ip_checksum(ALL(ones)), 0);
}

static void ipv4_gives_addresses_ports_and_lengths(void **state)
{
    struct ip_flow f;

    (void)state;
    assert_int_equal(ip_parse(&f, ALL(udp4)), CV_OK);
    assert_int_equal(f.src.family, CV_IPV4);
    assert_memory_equal(f.src.b, "\xc0\xa8\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(f.dst.b, "\xc0\xa8\0\xc7\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_int_equal(f.proto, IPPROTO_NUM_UDP);
    assert_true(f.ports_known);
    assert_int_equal(f.sport, 49152);
    assert_int_equal(f.dport, 53);
    assert_false(f.fragment);
    assert_true(f.df);
    assert_int_equal(f.total_len, sizeof(udp4));
    assert_int_equal(f.hdr_len, 20);
}

static void ipv6_gives_what_lies_behind_its_extension_headers(void **state)
{
    struct ip_flow f;

    (void)state;
    assert_int_equal(ip_parse(&f, ALL(tcp6)), CV_OK);
    assert_int_equal(f.src.family, CV_IPV6);
    assert_memory_equal(f.src.b, tcp6 + 8, 16);
    assert_memory_equal(f.dst.b, tcp6 + 24, 16);
    assert_int_equal(f.tos, 0xb8);
    assert_int_equal(f.proto, IPPROTO_NUM_TCP);
    assert_true(f.ports_known);
    assert_int_equal(f.sport, 80);
    assert_int_equal(f.dport, 8080);
    assert_false(f.fragment);
    assert_true(f.df);
    assert_int_equal(f.total_len, sizeof(tcp6));
    assert_int_equal(f.hdr_len, 48);
}

static void every_proper_prefix_is_short_and_padding_behind_is_fine(void **state)
{
    struct ip_flow f;
    uint8_t padded[sizeof(udp4) + 40];

    (void)state;
    for (size_t n = 0; n < sizeof(udp4); n++)
        assert_int_equal(parse_exact(parse, ALL(udp4), n), CV_ERR_SHORT);
    for (size_t n = 0; n < sizeof(tcp6); n++)
        assert_int_equal(parse_exact(parse, ALL(tcp6), n), CV_ERR_SHORT);
    memset(padded, 0, sizeof(padded));
    memcpy(padded, udp4, sizeof(udp4));
    assert_int_equal(ip_parse(&f, ALL(padded)), CV_OK);
    assert_int_equal(f.total_len, sizeof(udp4));
}

static void other_versions_are_refused(void **state)
{
    uint8_t odd[sizeof(udp4)];

    (void)state;
    memcpy(odd, udp4, sizeof(odd));
    for (unsigned v = 0; v < 16; v++) {
        odd[0] = (uint8_t)(v << 4 | 5);
        if (v != 4 && v != 6)
            assert_int_equal(parse(ALL(odd)), CV_ERR_VERSION);
    }
}

static void ipv4_refuses_a_wrong_checksum_and_lengths_that_contradict(void **state)
{
    uint8_t odd[sizeof(udp4)];

    (void)state;
    for (size_t i = 1; i < 20; i++) {
        memcpy(odd, udp4, sizeof(odd));
        odd[i] ^= 0x01;
        assert_int_not_equal(parse(ALL(odd)), CV_OK);
    }
    memcpy(odd, udp4, sizeof(odd));
    odd[8]--; /* the time to live, as by a router that forgets the checksum */
    assert_int_equal(parse(ALL(odd)), CV_ERR_CHECKSUM);
    for (uint8_t ihl = 0; ihl < 16; ihl++) {
        memcpy(odd, udp4, sizeof(odd));
        odd[0] = 0x40 | ihl;
        if (ihl >= 5 && ihl <= 8) {
            put_checksum(odd);
            assert_int_equal(parse(ALL(odd)), CV_OK);
        } else {
            assert_int_equal(parse(ALL(odd)), CV_ERR_MALFORMED);
        }
    }
    memcpy(odd, udp4, sizeof(odd));
    for (uint8_t n = 0; n < 20; n++) {
        odd[3] = n;
        put_checksum(odd);
        assert_int_equal(parse(ALL(odd)), CV_ERR_MALFORMED);
    }
}

static void ipv4_options_lie_before_the_ports(void **state)
{
    uint8_t odd[sizeof(udp4)];
    struct ip_flow f;

    (void)state;
    memcpy(odd, udp4, sizeof(odd));
    odd[0] = 0x46;
    put_checksum(odd);
    assert_int_equal(ip_parse(&f, ALL(odd)), CV_OK);
    assert_int_equal(f.hdr_len, 24);
    assert_int_equal(f.sport, 12); /* the octets that were the UDP length */
}

static void ipv4_fragments_have_ports_only_in_the_first(void **state)
{
    static const struct {
        uint16_t field;
        bool fragment, ports, df;
    } cases[] = {
        {0x0000, false, true,  false},
        {0x4000, false, true,  true },
        {0x2000, true,  true,  false}, /* more fragments */
        {0x0001, true,  false, false}, /* the last one */
        {0x3fff, true,  false, false},
        {0x8000, false, true,  false}, /* reserved bit */
    };
    uint8_t odd[sizeof(udp4)];

    (void)state;
    memcpy(odd, udp4, sizeof(odd));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ip_flow f;

        odd[6] = (uint8_t)(cases[i].field >> 8);
        odd[7] = (uint8_t)cases[i].field;
        put_checksum(odd);
        assert_int_equal(ip_parse(&f, ALL(odd)), CV_OK);
        assert_int_equal(f.fragment, cases[i].fragment);
        assert_int_equal(f.ports_known, cases[i].ports);
        assert_int_equal(f.df, cases[i].df);
        assert_int_equal(f.sport, cases[i].ports ? 49152 : 0);
    }
}

static void ports_are_read_of_protocols_that_have_them_and_when_whole(void **state)
{
    static const struct {
        uint8_t proto;
        uint8_t octets; /* of the upper-layer header that policy needs */
        uint16_t sport, dport;
    } cases[] = {
        {IPPROTO_NUM_TCP,    4, 0xc000, 53    },
        {IPPROTO_NUM_UDP,    4, 0xc000, 53    },
        {33,                 4, 0xc000, 53    }, /* DCCP */
        {132,                4, 0xc000, 53    }, /* SCTP */
        {136,                4, 0xc000, 53    }, /* UDP-Lite */
        {IPPROTO_NUM_ICMP,   2, 0xc000, 0xc000}, /* type and code */
        {IPPROTO_NUM_ICMPV6, 2, 0xc000, 0xc000},
        {IPPROTO_NUM_ESP,    0, 0,      0     },
        {IPPROTO_NUM_AH,     0, 0,      0     },
        {IPPROTO_NUM_IPIP,   0, 0,      0     },
        {0,                  0, 0,      0     }, /* hop-by-hop is an extension of IPv6 only */
    };
    uint8_t odd[sizeof(udp4)];

    (void)state;
    memcpy(odd, udp4, sizeof(odd));
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (uint8_t n = 0; n <= 8; n++) {
            bool known = cases[i].octets > 0 && n >= cases[i].octets;
            struct ip_flow f;

            odd[9] = cases[i].proto;
            odd[3] = 20 + n;
            put_checksum(odd);
            assert_int_equal(ip_parse(&f, ALL(odd)), CV_OK);
            assert_int_equal(f.proto, cases[i].proto);
            assert_int_equal(f.ports_known, known);
            assert_int_equal(f.sport, known ? cases[i].sport : 0);
            assert_int_equal(f.dport, known ? cases[i].dport : 0);
        }
}

/* An IPv6 packet whose first extension is next and whose octets behind the fixed header
 * are body. */
static enum cv_err parse6(struct ip_flow *f, uint8_t next, struct cv_span body)
{
    static uint8_t buf[40 + 65536];

    memset(buf, 0, 40);
    buf[0] = 0x60;
    buf[4] = (uint8_t)(body.n >> 8);
    buf[5] = (uint8_t)body.n;
    buf[6] = next;
    if (body.n > 0)
        memcpy(buf + 40, body.p, body.n);
    return ip_parse(f, span(buf, 40 + body.n));
}

static void ipv6_walks_a_long_chain_and_stops_at_ah_and_esp(void **state)
{
    static const uint8_t chain[] = {
        43, 0, 0, 0, 0, 0, 0, 0,                         /* hop-by-hop */
        60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* routing, 16 octets */
        44, 0, 0, 0, 0, 0, 0, 0,                         /* destination options */
        51, 0, 0, 1, 0, 0, 0, 9,                         /* fragment: first of several */
        17, 4, 0, 0,                                     /* AH */
    };
    struct ip_flow f;

    (void)state;
    assert_int_equal(parse6(&f, 0, ALL(chain)), CV_OK);
    assert_int_equal(f.proto, IPPROTO_NUM_AH);
    assert_false(f.ports_known);
    assert_true(f.fragment);
    assert_int_equal(f.hdr_len, 40 + 40);
    assert_int_equal(parse6(&f, IPPROTO_NUM_ESP, ALL(chain)), CV_OK);
    assert_int_equal(f.proto, IPPROTO_NUM_ESP);
    assert_int_equal(f.hdr_len, 40);
    assert_int_equal(parse6(&f, IPPROTO_NUM_NONE, span(NULL, 0)), CV_OK);
    assert_int_equal(f.proto, IPPROTO_NUM_NONE);
}

static void ipv6_refuses_an_extension_header_that_ends_outside(void **state)
{
    static const uint8_t kinds[] = {0, 43, 44, 60};
    uint8_t chain[] = {IPPROTO_NUM_NONE, 0, 0, 0, 0, 0, 0, 0};
    struct ip_flow f;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        for (size_t n = 0; n < sizeof(chain); n++)
            assert_int_equal(parse6(&f, kinds[i], span(chain, n)), CV_ERR_MALFORMED);
        assert_int_equal(parse6(&f, kinds[i], ALL(chain)), CV_OK);
    }
    chain[1] = 1;
    assert_int_equal(parse6(&f, 60, ALL(chain)), CV_ERR_MALFORMED);
    chain[1] = 255;
    assert_int_equal(parse6(&f, 60, ALL(chain)), CV_ERR_MALFORMED);
}

static void ipv6_fragments_have_ports_only_in_the_first(void **state)
{
    uint8_t chain[] = {17, 0, 0, 0, 0, 0, 0, 1, 0x12, 0x34, 0, 53};
    struct ip_flow f;

    (void)state;
    assert_int_equal(parse6(&f, 44, ALL(chain)), CV_OK); /* atomic: RFC 6946 */
    assert_false(f.fragment);
    assert_true(f.ports_known);
    chain[3] = 0x01;
    assert_int_equal(parse6(&f, 44, ALL(chain)), CV_OK);
    assert_true(f.fragment && f.ports_known);
    assert_int_equal(f.sport, 0x1234);
    chain[3] = 0x08;
    assert_int_equal(parse6(&f, 44, ALL(chain)), CV_OK);
    assert_true(f.fragment);
    assert_false(f.ports_known);
    assert_int_equal(f.proto, 17);
    assert_int_equal(f.hdr_len, 48);
    chain[0] = 60; /* data that must not be taken for destination options */
    chain[8] = 6;
    assert_int_equal(parse6(&f, 44, ALL(chain)), CV_OK);
    assert_int_equal(f.proto, 60);
    assert_false(f.ports_known);
}

static void addresses_compare_by_family_and_octets(void **state)
{
    struct cv_addr a =
                       {
                           CV_IPV4, {10, 0, 0, 1}
    },
                   b = a, six = {CV_IPV6, {10, 0, 0, 1}};
    struct cv_endpoint e = {a, 500}, e2 = {a, 4500};

    (void)state;
    assert_true(addr_equal(&a, &b));
    assert_false(addr_equal(&a, &six));
    b.b[3] = 2;
    assert_false(addr_equal(&a, &b));
    assert_true(endpoint_equal(&e, &e));
    assert_false(endpoint_equal(&e, &e2));
    e2 = (struct cv_endpoint){b, 500};
    assert_false(endpoint_equal(&e, &e2));
    assert_false(addr_is_zero(&a));
    assert_true(addr_is_zero(&(struct cv_addr){.family = CV_IPV6}));
    assert_int_equal(addr_len(CV_IPV4), 4);
    assert_int_equal(addr_len(CV_IPV6), 16);
    assert_int_equal(addr_len(CV_ANY_FAMILY), 0);
    assert_int_equal(addr_len(5), 0);
}

static void ranges_include_both_ends_and_one_family(void **state)
{
    struct cv_addr_range r =
                             {
                                 CV_IPV4, {10, 0, 0, 5},
                                  {10, 0, 1, 3}
    },
                         any = {0};
    static const struct {
        uint8_t c, d;
        bool in;
    } cases[] = {
        {0, 4,   false},
        {0, 5,   true },
        {0, 255, true },
        {1, 0,   true },
        {1, 3,   true },
        {1, 4,   false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cv_addr a = {
            CV_IPV4, {10, 0, cases[i].c, cases[i].d}
        };

        assert_int_equal(range_has(&r, &a), cases[i].in);
        assert_true(range_has(&any, &a));
        a.family = CV_IPV6;
        assert_false(range_has(&r, &a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_that_of_rfc_1071),
        cmocka_unit_test(ipv4_gives_addresses_ports_and_lengths),
        cmocka_unit_test(ipv6_gives_what_lies_behind_its_extension_headers),
        cmocka_unit_test(every_proper_prefix_is_short_and_padding_behind_is_fine),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(ipv4_refuses_a_wrong_checksum_and_lengths_that_contradict),
        cmocka_unit_test(ipv4_options_lie_before_the_ports),
        cmocka_unit_test(ipv4_fragments_have_ports_only_in_the_first),
        cmocka_unit_test(ports_are_read_of_protocols_that_have_them_and_when_whole),
        cmocka_unit_test(ipv6_walks_a_long_chain_and_stops_at_ah_and_esp),
        cmocka_unit_test(ipv6_refuses_an_extension_header_that_ends_outside),
        cmocka_unit_test(ipv6_fragments_have_ports_only_in_the_first),
        cmocka_unit_test(addresses_compare_by_family_and_octets),
        cmocka_unit_test(ranges_include_both_ends_and_one_family),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
