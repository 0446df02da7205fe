/* src/ipsec/clear.c: packets in the clear that an SA protects, and those that must come in the
 * clear all the same.  What policies say is in test_policy.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/arena.h"
#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"

enum {
    MEM_LEN = 16384,
    N_PAIRS = 2,
    N_POLICIES = 2,
    SPI = 0x11223344,
    CHILD = 70,
    OFFSET_1 = 1,
    MORE = 0x2000
};

static const uint64_t SEED[2] = {1, 2};

struct fixture {
    _Alignas(max_align_t) uint8_t mem[MEM_LEN];
    struct ipsec *p;
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt;
    uint32_t pair;
    unsigned notices;
};

static struct cv_addr us(void)
{
    return ip4(192, 0, 2, 1);
}

static struct cv_addr peer(void)
{
    return ip4(192, 0, 2, 9);
}

/* Pair i protects all that remote_ts holds, and comes in UDP from peer() to us(). */
static void install(struct fixture *f, uint32_t i, struct cv_ts local_ts,
                    struct cv_ts remote_ts)
{
    const struct cv_pair_config cfg = {
        .id = CHILD + i,
        .spi_in = SPI + i,
        .spi_out = SPI + i,
        .protocol = CV_PROTO_ESP,
        .suite = suites[0].suite,
        .key_in = span(keymat[0], suites[0].key_len),
        .key_out = span(keymat[1], suites[0].key_len),
        .local_ts = ts_one(local_ts),
        .remote_ts = ts_one(remote_ts),
        .local = {us(),   4500},
        .remote = {peer(), 4500},
        .encap = true,
    };

    assert_int_equal(ipsec_install(f->p, i, &cfg, 0), CV_OK);
    ipsec_use_out(f->p, i);
}

static struct fixture *fresh(struct fixture *f)
{
    struct arena a = {.p = f->mem, .cap = sizeof(f->mem)};

    memset(f, 0, sizeof(*f));
    f->p = ipsec_init(&a, N_PAIRS, 0, &cv_crypto_openssl, SEED);
    assert_non_null(f->p);
    ipsec_carve_policies(f->p, &a, N_POLICIES);
    assert_false(a.bad);
    return f;
}

/* An IP packet of n octets of payload, in f->pkt. */
static void make(struct fixture *f, struct cv_addr src, struct cv_addr dst, uint8_t proto,
                 const uint8_t *payload, size_t n)
{
    const struct ip_head head = {.src = src, .dst = dst, .proto = proto, .ttl = 64};
    const size_t ip = ip_head_len(src.family);

    memset(f->buf, 0, sizeof(f->buf));
    f->pkt = packet_in(f->buf, ip + n);
    ip_put_head(cv_packet_data(&f->pkt), &head, n);
    memcpy(cv_packet_data(&f->pkt) + ip, payload, n);
}

static void make_ports(struct fixture *f, struct cv_addr src, struct cv_addr dst, uint8_t proto,
                       uint16_t sport, uint16_t dport)
{
    const uint8_t payload[20] = {(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8),
                                 (uint8_t)dport};

    make(f, src, dst, proto, payload, sizeof(payload));
}

/* The IPv4 packet becomes a fragment, as its flags and offset say. */
static void fragment(struct fixture *f, unsigned bits)
{
    uint8_t *p = cv_packet_data(&f->pkt);

    p[6] = (uint8_t)(bits >> 8);
    p[7] = (uint8_t)bits;
    ip_patch(p, f->pkt.len, 9, p[9]);
}

static enum cv_err judge(struct fixture *f)
{
    ipsec_clear(f->p, &f->pkt, 1000, &f->pair, &f->notices);
    assert_int_equal(f->pkt.verdict, f->pkt.err == CV_OK ? CV_BYPASS : CV_DROP);
    return f->pkt.err;
}

static void protected_packet_is_refused_and_counted_on_its_sa(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    unsigned alarms = 0;

    (void)state;
    install(f, 0, ts_host(ip4(10, 0, 0, 1)), ts_host(ip4(10, 0, 0, 2)));
    install(f, 1, ts_host(ip4(10, 0, 0, 1)), ts_host(ip4(10, 0, 0, 3)));
    for (unsigned i = 0; i < 9; i++) {
        make_ports(f, ip4(10, 0, 0, 3), ip4(10, 0, 0, 1), IPPROTO_NUM_TCP, 99, 22);
        assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
        assert_int_equal(f->pair, 1);
        assert_int_equal(f->pkt.child, CHILD + 1);
        assert_true(addr_equal(&f->pkt.remote.addr, &(struct cv_addr){
                                                        CV_IPV4, {10, 0, 0, 3}
        }));
        alarms += (f->notices & CV_NOTICE_ALARM) != 0;
    }
    assert_int_equal(alarms, 4); /* at 1, 2, 4, 8 */
    assert_int_equal(ipsec_counters(f->p, 1)->drops[CV_CD_CLEARTEXT], 9);
    assert_int_equal(ipsec_counters(f->p, 0)->drops[CV_CD_CLEARTEXT], 0);
    assert_int_equal(ipsec_counters(f->p, 1)->packets_in, 0);
    ipsec_close(f->p);
}

static void packet_that_no_sa_covers_may_pass(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);

    (void)state;
    install(f, 0, ts_host(ip4(10, 0, 0, 1)), ts_any(CV_IPV4)); /* a virtual address */
    make_ports(f, ip4(8, 8, 8, 8), us(), IPPROTO_NUM_UDP, 53, 999);
    assert_int_equal(judge(f), CV_OK);
    assert_int_equal(f->pair, POOL_NONE);
    make_ports(f, ip4(8, 8, 8, 8), ip4(10, 0, 0, 1), IPPROTO_NUM_UDP, 53, 999);
    assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    ipsec_stop_out(f->p, 0); /* the SA drains: its successor protects or nobody */
    assert_int_equal(judge(f), CV_OK);
    ipsec_close(f->p);
}

static void ike_esp_and_ah_to_ourselves_are_no_violation(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    static const struct {
        uint8_t proto;
        uint16_t dport;
        enum cv_err want;
    } cases[] = {
        {IPPROTO_NUM_UDP, 500,  CV_OK           },
        {IPPROTO_NUM_UDP, 4500, CV_OK           },
        {IPPROTO_NUM_UDP, 4501, CV_ERR_CLEARTEXT},
        {IPPROTO_NUM_TCP, 4500, CV_ERR_CLEARTEXT},
        {IPPROTO_NUM_ESP, 0,    CV_OK           },
        {IPPROTO_NUM_AH,  0,    CV_OK           },
    };

    (void)state;
    install(f, 0, ts_any(CV_IPV4), ts_any(CV_IPV4));
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make_ports(f, peer(), us(), cases[i].proto, 4500, cases[i].dport);
        assert_int_equal(judge(f), cases[i].want);
        /* somebody else's IKE and ESP are traffic like any other */
        make_ports(f, peer(), ip4(10, 0, 0, 1), cases[i].proto, 4500, cases[i].dport);
        assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    }
    ipsec_close(f->p);
}

static void later_fragment_is_refused_where_ports_are_protected(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    struct cv_ts web = ts_host(ip4(10, 0, 0, 2));

    (void)state;
    web.proto = IPPROTO_NUM_TCP;
    web.port_lo = web.port_hi = 443;
    install(f, 0, ts_host(ip4(10, 0, 0, 1)), web);
    make_ports(f, ip4(10, 0, 0, 2), ip4(10, 0, 0, 1), IPPROTO_NUM_TCP, 80, 1000);
    assert_int_equal(judge(f), CV_OK);
    fragment(f, MORE); /* the first one shows its ports */
    assert_int_equal(judge(f), CV_OK);
    fragment(f, OFFSET_1);
    assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    make_ports(f, ip4(10, 0, 0, 2), ip4(10, 0, 0, 1), IPPROTO_NUM_UDP, 80, 1000);
    fragment(f, OFFSET_1);
    assert_int_equal(judge(f), CV_OK); /* no TCP */
    ipsec_close(f->p);
}

static void fragments_of_what_carries_the_tunnel_pass(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);

    (void)state;
    install(f, 0, ts_any(CV_IPV4), ts_any(CV_IPV4));
    make_ports(f, peer(), us(), IPPROTO_NUM_UDP, 4500, 4500);
    fragment(f, MORE);
    assert_int_equal(judge(f), CV_OK);
    fragment(f, OFFSET_1);
    assert_int_equal(judge(f), CV_OK);
    make_ports(f, peer(), us(), IPPROTO_NUM_UDP, 4500, 53);
    fragment(f, MORE); /* of something else: without the first one the others are nothing */
    assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    ipsec_close(f->p);
}

static void neighbor_discovery_of_the_link_passes(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);

    (void)state;
    install(f, 0, ts_any(CV_IPV6), ts_any(CV_IPV6));
    for (unsigned type = 0; type < 256; type++) {
        const uint8_t icmp[24] = {(uint8_t)type};

        make(f, ip6(0, 9), ip6(0, 1), IPPROTO_NUM_ICMPV6, icmp, sizeof(icmp));
        assert_int_equal(judge(f), CV_ERR_CLEARTEXT); /* a router has sent it on */
        cv_packet_data(&f->pkt)[7] = 255;
        assert_int_equal(judge(f), type >= 133 && type <= 137 ? CV_OK : CV_ERR_CLEARTEXT);
    }
    ipsec_close(f->p);
}

/* A router inside the protected network tells of the packet that this pair sent. */
static void make_error(struct fixture *f, unsigned type, uint32_t spi, struct cv_addr dst)
{
    const struct ip_head quoted = {.src = us(), .dst = dst, .proto = IPPROTO_NUM_UDP};
    uint8_t icmp[8 + IP4_HDR_LEN + 12];
    struct wr w = wr_init(icmp, sizeof(icmp));

    wr_u32(&w, type << 24 | 4 << 16);
    wr_u32(&w, 1300);
    ip_put_head(wr_reserve(&w, IP4_HDR_LEN), &quoted, 1400);
    wr_u16(&w, 4500);
    wr_u16(&w, 4500);
    wr_u32(&w, 0);
    wr_u32(&w, spi);
    wr_patch_u16(&w, 2, ip_checksum(wr_done(&w)));
    make(f, ip4(10, 1, 1, 1), us(), IPPROTO_NUM_ICMP, icmp, sizeof(icmp));
}

static void icmp_error_passes_when_it_quotes_what_we_sent(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);

    (void)state;
    install(f, 0, ts_any(CV_IPV4), ts_any(CV_IPV4));
    install(f, 1, ts_host(ip4(10, 0, 0, 1)), ts_host(ip4(10, 0, 0, 2)));
    for (unsigned type = 0; type < 20; type++) {
        make_error(f, type, SPI, peer());
        assert_int_equal(judge(f),
                         type == 3 || type == 11 || type == 12 ? CV_OK : CV_ERR_CLEARTEXT);
    }
    make_error(f, 3, SPI + 1, peer()); /* another pair's */
    assert_int_equal(judge(f), CV_OK);
    make_error(f, 3, SPI + 9, peer());
    assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    make_error(f, 3, SPI, ip4(192, 0, 2, 10));
    assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    make_error(f, 3, SPI, peer());
    for (size_t n = f->pkt.len - 1; n > IP4_HDR_LEN; n--) {
        f->pkt.len = n;
        assert_int_not_equal(judge(f), CV_OK);
    }
    ipsec_close(f->p);
}

static void discard_spares_what_the_tunnel_needs(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    struct cv_policy policy = {.action = CV_POLICY_DISCARD, .directions = CV_IN};
    uint32_t number;

    (void)state;
    install(f, 0, ts_host(ip4(10, 0, 0, 1)), ts_host(ip4(10, 0, 0, 2)));
    policy.local = policy.remote = ts_any(CV_IPV4);
    assert_int_equal(ipsec_policy_add(f->p, &policy, &number), CV_OK);
    make_ports(f, ip4(10, 1, 1, 1), us(), IPPROTO_NUM_TCP, 99, 22);
    assert_int_equal(judge(f), CV_ERR_DISCARD);
    make_error(f, 3, SPI, peer());
    assert_int_equal(judge(f), CV_OK);
    make_error(f, 3, SPI + 9, peer());
    assert_int_equal(judge(f), CV_ERR_DISCARD);
    ipsec_close(f->p);
}

static void trap_refuses_before_there_is_an_sa(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    struct cv_policy policy = {.action = CV_POLICY_PROTECT, .directions = CV_BOTH};
    uint32_t number;

    (void)state;
    policy.priority = CV_PRIORITY_SA;
    policy.local = policy.remote = ts_any(CV_IPV4);
    assert_int_equal(ipsec_policy_add(f->p, &policy, &number), CV_OK);
    make_ports(f, peer(), us(), IPPROTO_NUM_TCP, 99, 22);
    assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    assert_int_equal(f->pair, POOL_NONE);
    make_ports(f, peer(), us(), IPPROTO_NUM_UDP, 500, 500);
    assert_int_equal(judge(f), CV_OK);
    ipsec_close(f->p);
}

static void forged_icmp_errors_do_not_hide_our_own(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);

    (void)state;
    install(f, 0, ts_any(CV_IPV4), ts_any(CV_IPV4));
    install(f, 1, ts_host(ip4(10, 0, 0, 1)), ts_host(ip4(10, 0, 0, 2)));
    for (unsigned i = 0; i < 100; i++) {
        make_error(f, 3, SPI + 9, peer());
        assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    }
    make_error(f, 3, SPI + 1, peer()); /* the search through all pairs is bounded */
    assert_int_equal(judge(f), CV_ERR_CLEARTEXT);
    make_error(f, 3, SPI, peer());
    assert_int_equal(judge(f), CV_OK);
    ipsec_close(f->p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(protected_packet_is_refused_and_counted_on_its_sa),
        cmocka_unit_test(packet_that_no_sa_covers_may_pass),
        cmocka_unit_test(ike_esp_and_ah_to_ourselves_are_no_violation),
        cmocka_unit_test(later_fragment_is_refused_where_ports_are_protected),
        cmocka_unit_test(fragments_of_what_carries_the_tunnel_pass),
        cmocka_unit_test(neighbor_discovery_of_the_link_passes),
        cmocka_unit_test(icmp_error_passes_when_it_quotes_what_we_sent),
        cmocka_unit_test(discard_spares_what_the_tunnel_needs),
        cmocka_unit_test(trap_refuses_before_there_is_an_sa),
        cmocka_unit_test(forged_icmp_errors_do_not_hide_our_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
