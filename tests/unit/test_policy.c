/* src/ipsec/policy.c and what src/ipsec/clear.c makes of it: which packets are protected,
 * which pass and which do not, in their order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ipsec/ipsec.h"
#include "tests/support/ipsec_fixture.h"

enum { N_POLICIES = 8, MEM_LEN = 16384, COOKIE = 77 };

static const uint64_t SEED[2] = {1, 2};

struct fixture {
    _Alignas(max_align_t) uint8_t mem[MEM_LEN];
    struct ipsec *p;
    uint8_t buf[BUF_LEN];
    struct cv_packet pkt;
};

static struct fixture *fresh(struct fixture *f)
{
    struct arena a = {.p = f->mem, .cap = sizeof(f->mem)}, count = {0};

    memset(f, 0, sizeof(*f));
    f->p = ipsec_init(&a, 2, 0, &cv_crypto_openssl, SEED);
    assert_non_null(f->p);
    ipsec_carve_policies(f->p, &a, N_POLICIES);
    assert_false(a.bad);
    assert_null(ipsec_init(&count, 2, 0, &cv_crypto_openssl, SEED));
    ipsec_carve_policies(NULL, &count, N_POLICIES);
    assert_int_equal(count.used, a.used);
    return f;
}

static struct cv_policy policy(uint8_t action, uint32_t priority, struct cv_ts local,
                               struct cv_ts remote)
{
    return (struct cv_policy){
        .action = action,
        .directions = CV_BOTH,
        .priority = priority,
        .cookie = COOKIE,
        .local = local,
        .remote = remote,
    };
}

static uint32_t add(struct fixture *f, struct cv_policy p)
{
    uint32_t number;

    assert_int_equal(ipsec_policy_add(f->p, &p, &number), CV_OK);
    return number;
}

static struct cv_ts host(uint8_t d)
{
    return ts_host(ip4(10, 0, 0, d));
}

static struct cv_ts ports(struct cv_ts ts, uint8_t proto, uint16_t lo, uint16_t hi)
{
    ts.proto = proto;
    ts.port_lo = lo;
    ts.port_hi = hi;
    return ts;
}

/* UDP from 10.0.0.1 port 1000 to 10.0.0.d port dport. */
static enum cv_err out(struct fixture *f, uint8_t d, uint16_t dport)
{
    struct ipsec_way way;

    f->pkt = packet_in(f->buf, make_udp(f->buf + CV_HEADROOM, ip4(10, 0, 0, 1),
                                        ip4(10, 0, 0, d), 1000, dport, 20));
    ipsec_out(f->p, &f->pkt, 0, &way);
    return f->pkt.err;
}

/* f->pkt came in the clear. */
static enum cv_err judge(struct fixture *f)
{
    unsigned notices;
    uint32_t pair;

    ipsec_clear(f->p, &f->pkt, 0, &pair, &notices);
    assert_int_equal(f->pkt.verdict, f->pkt.err == CV_OK ? CV_BYPASS : CV_DROP);
    return f->pkt.err;
}

/* UDP from 10.0.0.d port sport to 10.0.0.1 port 1000, in the clear. */
static enum cv_err in_clear(struct fixture *f, uint8_t d, uint16_t sport)
{
    f->pkt = packet_in(f->buf, make_udp(f->buf + CV_HEADROOM, ip4(10, 0, 0, d),
                                        ip4(10, 0, 0, 1), sport, 1000, 20));
    return judge(f);
}

static void install(struct fixture *f, uint8_t d)
{
    const struct cv_pair_config cfg = {
        .spi_in = 1000,
        .spi_out = 1000,
        .protocol = CV_PROTO_ESP,
        .suite = suites[0].suite,
        .key_in = span(keymat[0], suites[0].key_len),
        .key_out = span(keymat[1], suites[0].key_len),
        .local_ts = ts_one(host(1)),
        .remote_ts = ts_one(host(d)),
    };

    assert_int_equal(ipsec_install(f->p, 0, &cfg, 0), CV_OK);
    ipsec_use_out(f->p, 0);
}

static void without_policies_everything_is_as_it_was(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);

    (void)state;
    assert_int_equal(out(f, 2, 53), CV_ERR_NO_TUNNEL);
    assert_int_equal(in_clear(f, 2, 53), CV_OK);
    install(f, 2);
    assert_int_equal(out(f, 2, 53), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_TRANSMIT);
    assert_int_equal(in_clear(f, 2, 53), CV_ERR_CLEARTEXT);
    assert_int_equal(in_clear(f, 3, 53), CV_OK);
    ipsec_close(f->p);
}

static void each_action_does_what_it_says(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    const struct cv_policy *found;

    (void)state;
    add(f, policy(CV_POLICY_BYPASS, 10, host(1), host(2)));
    add(f, policy(CV_POLICY_DISCARD, 10, host(1), host(3)));
    add(f, policy(CV_POLICY_PROTECT, 10, host(1), host(4)));
    assert_int_equal(out(f, 2, 53), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_BYPASS);
    assert_int_equal(f->pkt.off, CV_HEADROOM);
    assert_int_equal(out(f, 3, 53), CV_ERR_DISCARD);
    assert_int_equal(f->pkt.verdict, CV_DROP);
    assert_int_equal(out(f, 4, 53), CV_ERR_NO_TUNNEL);
    found = ipsec_policy_find(f->p, CV_OUT, span(cv_packet_data(&f->pkt), f->pkt.len));
    assert_non_null(found);
    assert_int_equal(found->cookie, COOKIE);
    assert_int_equal(out(f, 5, 53), CV_ERR_NO_POLICY);
    assert_int_equal(in_clear(f, 2, 53), CV_OK);
    assert_int_equal(in_clear(f, 3, 53), CV_ERR_DISCARD);
    assert_int_equal(in_clear(f, 4, 53), CV_ERR_CLEARTEXT);
    assert_int_equal(in_clear(f, 5, 53), CV_OK);
    ipsec_close(f->p);
}

static void first_priority_wins_and_then_the_older_policy(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    uint32_t narrow, wide;

    (void)state;
    narrow = add(f, policy(CV_POLICY_DISCARD, 20, host(1), host(2)));
    wide = add(f, policy(CV_POLICY_BYPASS, 10, ts_any(CV_IPV4), ts_any(CV_IPV4)));
    assert_int_equal(out(f, 2, 53), CV_OK); /* narrower is not stronger */
    ipsec_policy_remove(f->p, wide);
    assert_int_equal(out(f, 2, 53), CV_ERR_DISCARD);
    wide = add(f, policy(CV_POLICY_BYPASS, 20, ts_any(CV_IPV4), ts_any(CV_IPV4)));
    assert_int_equal(out(f, 2, 53), CV_ERR_DISCARD);
    ipsec_policy_remove(f->p, narrow);
    assert_int_equal(out(f, 2, 53), CV_OK);
    add(f, policy(CV_POLICY_DISCARD, 20, host(1), host(2)));
    assert_int_equal(out(f, 2, 53), CV_OK);
    ipsec_policy_remove(f->p, wide);
    assert_int_equal(out(f, 2, 53), CV_ERR_DISCARD);
    ipsec_close(f->p);
}

static void shunts_before_the_sas_are_stronger_than_one_and_those_after_are_not(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    struct cv_ts ssh = ports(host(2), IPPROTO_NUM_UDP, 22, 22);

    (void)state;
    install(f, 2);
    add(f, policy(CV_POLICY_BYPASS, 10, host(1), ssh));
    add(f, policy(CV_POLICY_DISCARD, CV_PRIORITY_SA, host(1), ts_any(CV_IPV4)));
    assert_int_equal(out(f, 2, 22), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_BYPASS);
    assert_int_equal(out(f, 2, 23), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_TRANSMIT);
    assert_int_equal(out(f, 3, 23), CV_ERR_DISCARD);
    assert_int_equal(in_clear(f, 2, 22), CV_OK);
    assert_int_equal(in_clear(f, 2, 23), CV_ERR_CLEARTEXT);
    assert_int_equal(in_clear(f, 3, 23), CV_ERR_DISCARD);
    ipsec_close(f->p);
}

/* Whatever was decided for its last packet. */
static void flow_that_has_a_tunnel_obeys_what_changes(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    uint32_t protect, discard;

    (void)state;
    install(f, 2);
    assert_int_equal(out(f, 2, 53), CV_OK);
    assert_int_equal(f->pkt.verdict, CV_TRANSMIT);
    protect = add(f, policy(CV_POLICY_PROTECT, 5, host(1), host(2)));
    discard = add(f, policy(CV_POLICY_DISCARD, 10, host(1), host(2)));
    assert_int_equal(out(f, 2, 53), CV_OK);
    ipsec_policy_remove(f->p, protect);
    assert_int_equal(out(f, 2, 53), CV_ERR_DISCARD);
    ipsec_policy_remove(f->p, discard);
    assert_int_equal(out(f, 2, 53), CV_OK);
    add(f, policy(CV_POLICY_DISCARD, 10, host(1), host(2)));
    assert_int_equal(out(f, 2, 53), CV_ERR_DISCARD);
    ipsec_close(f->p);
}

/* Another pair in the place of one that was asked for this flow a moment ago. */
static void flow_is_not_the_next_pairs(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);

    (void)state;
    install(f, 2);
    assert_int_equal(out(f, 2, 53), CV_OK);
    ipsec_remove(f->p, 0);
    assert_int_equal(out(f, 2, 53), CV_ERR_NO_TUNNEL);
    install(f, 3);
    assert_int_equal(out(f, 2, 53), CV_ERR_NO_TUNNEL);
    assert_int_equal(out(f, 3, 53), CV_OK);
    ipsec_close(f->p);
}

static void policy_of_one_direction_is_not_seen_from_the_other(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    struct cv_policy p = policy(CV_POLICY_DISCARD, 10, host(1), host(2));

    (void)state;
    p.directions = CV_OUT;
    add(f, p);
    assert_int_equal(out(f, 2, 53), CV_ERR_DISCARD);
    assert_int_equal(in_clear(f, 2, 53), CV_OK);
    p.directions = CV_IN;
    p.remote = host(3);
    add(f, p);
    assert_int_equal(out(f, 3, 53), CV_ERR_NO_POLICY);
    assert_int_equal(in_clear(f, 3, 53), CV_ERR_DISCARD);
    ipsec_close(f->p);
}

static void ranges_ports_and_icmp_types_narrow_a_policy(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    const struct cv_ts range = ts_range(ip4(10, 0, 0, 2), ip4(10, 0, 0, 6));
    uint8_t *p = f->buf + CV_HEADROOM;
    struct ipsec_way way;

    (void)state;
    add(f, policy(CV_POLICY_BYPASS, 1, host(1), ports(range, IPPROTO_NUM_UDP, 50, 60)));
    add(f, policy(CV_POLICY_DISCARD, 2, ports(host(1), 1, 0x0800, 0x08ff),
                  ports(range, 1, 0x0800, 0x08ff)));
    for (unsigned d = 1; d < 9; d++)
        for (uint16_t port = 48; port < 63; port++)
            assert_int_equal(out(f, (uint8_t)d, port),
                             d >= 2 && d <= 6 && port >= 50 && port <= 60 ? CV_OK
                                                                          : CV_ERR_NO_POLICY);
    for (unsigned type = 7; type < 10; type++) {
        f->pkt = packet_in(f->buf, make_udp(p, ip4(10, 0, 0, 1), ip4(10, 0, 0, 2),
                                            (uint16_t)(type << 8), 0, 9));
        ip_patch(p, f->pkt.len, 9, IPPROTO_NUM_ICMP);
        ipsec_out(f->p, &f->pkt, 0, &way);
        assert_int_equal(f->pkt.err, type == 8 ? CV_ERR_DISCARD : CV_ERR_NO_POLICY);
    }
    ipsec_close(f->p);
}

static void later_fragment_matches_any_and_opaque_ports_only(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    uint8_t *p = f->buf + CV_HEADROOM;
    struct ipsec_way way;
    uint32_t number;

    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        const uint16_t lo = k == 2 ? UINT16_MAX : 0, hi = k == 0 ? 65534 : k == 1 ? 65535 : 0;

        number = add(f, policy(CV_POLICY_DISCARD, 1, host(1), ports(host(2), 17, lo, hi)));
        f->pkt = packet_in(f->buf, make_udp(p, ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 1, 2, 9));
        p[7] = 1; /* fragment offset 8 */
        set_tos(p, 0);
        ipsec_out(f->p, &f->pkt, 0, &way);
        assert_int_equal(f->pkt.err, k == 0 ? CV_ERR_NO_POLICY : CV_ERR_DISCARD);
        ipsec_policy_remove(f->p, number);
    }
    ipsec_close(f->p);
}

static void senseless_policies_and_a_full_table_are_refused(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    struct cv_policy p = policy(0, 1, host(1), host(2));
    uint32_t number;

    (void)state;
    assert_int_equal(ipsec_policy_add(f->p, &p, &number), CV_ERR_ARGUMENT);
    p.action = CV_POLICY_DISCARD + 1;
    assert_int_equal(ipsec_policy_add(f->p, &p, &number), CV_ERR_ARGUMENT);
    p.action = CV_POLICY_DISCARD;
    p.directions = 0;
    assert_int_equal(ipsec_policy_add(f->p, &p, &number), CV_ERR_ARGUMENT);
    p.directions = CV_BOTH;
    p.remote.family = CV_IPV6;
    assert_int_equal(ipsec_policy_add(f->p, &p, &number), CV_ERR_ARGUMENT);
    p.remote.family = p.local.family = CV_ANY_FAMILY;
    assert_int_equal(ipsec_policy_add(f->p, &p, &number), CV_ERR_ARGUMENT);
    for (uint8_t i = 0; i < N_POLICIES; i++)
        add(f, policy(CV_POLICY_DISCARD, 1, host(1), host((uint8_t)(2 + i))));
    p = policy(CV_POLICY_DISCARD, 1, host(1), host(200));
    assert_int_equal(ipsec_policy_add(f->p, &p, &number), CV_ERR_FULL);
    for (uint32_t i = 0; i < N_POLICIES; i++)
        ipsec_policy_remove(f->p, i);
    ipsec_policy_remove(f->p, 3); /* nothing happens */
    assert_int_equal(out(f, 2, 53), CV_ERR_NO_TUNNEL);
    ipsec_close(f->p);
}

static void packet_that_is_no_ip_is_not_let_in(void **state)
{
    static struct fixture room;
    struct fixture *f = fresh(&room);
    const size_t n =
        make_udp(f->buf + CV_HEADROOM, ip4(10, 0, 0, 1), ip4(10, 0, 0, 2), 1, 2, 9);

    (void)state;
    f->pkt = packet_in(f->buf, n);
    assert_int_equal(judge(f), CV_OK);
    for (f->pkt.len = 0; f->pkt.len < n; f->pkt.len++)
        assert_int_not_equal(judge(f), CV_OK);
    ipsec_close(f->p);
}

/* The order of a plain list, compared with what the table finds, for random policies. */
static void table_agrees_with_a_plain_list(void **state)
{
    enum { N = 64, ROUNDS = 3000 };
    static _Alignas(max_align_t) uint8_t mem[65536];
    struct arena a = {.p = mem, .cap = sizeof(mem)};
    struct cv_policy list[N];
    uint32_t numbers[N];
    struct policies s;
    unsigned n = 0, seed = 1;

    (void)state;
    policies_init(&s, &a, N, SEED);
    assert_false(a.bad);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const struct cv_policy *want = NULL, *got;
        struct ip_flow flow = {.src = ip4(10, 0, 0, 0), .dst = ip4(10, 0, 0, 0)};
        uint8_t r[8];

        for (unsigned i = 0; i < sizeof(r); i++)
            r[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
        if (r[0] % 3 != 0 && n < N) { /* add; cookies tell them apart */
            const uint8_t lo = r[1] % 8, hi = (uint8_t)(lo + r[2] % 4);

            list[n] = policy(CV_POLICY_DISCARD, r[3] % 4,
                             ts_range(ip4(10, 0, 0, lo), ip4(10, 0, 0, hi)),
                             r[4] % 2 ? ts_any(CV_IPV4) : host(r[5] % 8));
            list[n].cookie = round;
            assert_int_equal(policies_add(&s, &list[n], &numbers[n]), CV_OK);
            n++;
        } else if (n > 0) {
            const unsigned at = r[1] % n;

            policies_remove(&s, numbers[at]);
            n--;
            memmove(&list[at], &list[at + 1], (n - at) * sizeof(list[0]));
            memmove(&numbers[at], &numbers[at + 1], (n - at) * sizeof(numbers[0]));
        }
        flow.src.b[3] = r[6] % 12;
        flow.dst.b[3] = r[7] % 12;
        for (unsigned i = 0; i < n; i++) {
            const struct flow_end src = flow_src(&flow), dst = flow_dst(&flow);

            if (selector_has(&list[i].local, &src) && selector_has(&list[i].remote, &dst) &&
                (want == NULL || list[i].priority < want->priority))
                want = &list[i];
        }
        got = policies_find(&s, CV_OUT, &flow);
        assert_int_equal(got == NULL, want == NULL);
        if (got != NULL)
            assert_int_equal(got->cookie, want->cookie);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_policies_everything_is_as_it_was),
        cmocka_unit_test(each_action_does_what_it_says),
        cmocka_unit_test(first_priority_wins_and_then_the_older_policy),
        cmocka_unit_test(shunts_before_the_sas_are_stronger_than_one_and_those_after_are_not),
        cmocka_unit_test(flow_that_has_a_tunnel_obeys_what_changes),
        cmocka_unit_test(flow_is_not_the_next_pairs),
        cmocka_unit_test(policy_of_one_direction_is_not_seen_from_the_other),
        cmocka_unit_test(ranges_ports_and_icmp_types_narrow_a_policy),
        cmocka_unit_test(later_fragment_matches_any_and_opaque_ports_only),
        cmocka_unit_test(senseless_policies_and_a_full_table_are_refused),
        cmocka_unit_test(packet_that_is_no_ip_is_not_let_in),
        cmocka_unit_test(table_agrees_with_a_plain_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
