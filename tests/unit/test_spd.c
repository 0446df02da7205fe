/* src/ipsec/spd.c: which pair carries a packet.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ipsec/spd.h"
#include "tests/support/ipsec_fixture.h"

enum { N_PAIRS = 12, N_CELLS = N_PAIRS * SPD_CELLS_PER_PAIR + SPD_CELLS_SPARE };

static const uint64_t SEED[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

struct fixture {
    _Alignas(max_align_t) uint8_t mem[8192];
    struct spd spd;
};

static struct spd *fresh_with_seed(struct fixture *f, const uint64_t seed[2])
{
    struct arena a = {.p = f->mem, .cap = sizeof(f->mem)};

    f->spd = (struct spd){0};
    spd_init(&f->spd, &a, N_PAIRS, seed);
    assert_false(a.bad);
    return &f->spd;
}

static struct spd *fresh(struct fixture *f)
{
    return fresh_with_seed(f, SEED);
}

static void put(struct spd *s, uint32_t i, struct cv_ts local, struct cv_ts remote)
{
    const struct cv_ts_list l = ts_one(local), r = ts_one(remote);

    assert_true(spd_put(s, i, &l, &r));
    spd_use_out(s, i);
}

static struct ip_flow flow_to(struct cv_addr src, struct cv_addr dst)
{
    return (struct ip_flow){
        .src = src, .dst = dst, .proto = 17, .ports_known = true, .sport = 1000, .dport = 53};
}

static uint32_t find(const struct spd *s, struct cv_addr src, struct cv_addr dst)
{
    const struct ip_flow f = flow_to(src, dst);

    return spd_find_out(s, &f);
}

static void host_address_finds_its_own_pair(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);

    (void)state;
    for (uint8_t i = 0; i < 5; i++) {
        put(s, i, ts_any(CV_IPV4), ts_host(ip4(10, 1, 0, i)));
        put(s, 5U + i, ts_any(CV_IPV6), ts_host(ip6(1, i)));
    }
    for (uint8_t i = 0; i < 5; i++) {
        assert_int_equal(find(s, ip4(192, 0, 2, 1), ip4(10, 1, 0, i)), i);
        assert_int_equal(find(s, ip6(9, 9), ip6(1, i)), 5 + i);
    }
    assert_int_equal(find(s, ip4(192, 0, 2, 1), ip4(10, 1, 0, 5)), POOL_NONE);
    assert_int_equal(find(s, ip6(9, 9), ip6(1, 5)), POOL_NONE);
}

static void most_specific_remote_selector_wins_whatever_the_order(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);
    const struct cv_addr src = ip4(192, 0, 2, 1);

    (void)state;
    put(s, 0, ts_any(CV_IPV4), ts_range(ip4(10, 1, 0, 0), ip4(10, 1, 255, 255)));
    put(s, 1, ts_any(CV_IPV4), ts_host(ip4(10, 1, 2, 3)));
    put(s, 2, ts_any(CV_IPV4), ts_any(CV_IPV4));
    put(s, 3, ts_any(CV_IPV4), ts_range(ip4(10, 1, 2, 0), ip4(10, 1, 2, 255)));
    put(s, 4, ts_any(CV_IPV4), ts_range(ip4(10, 1, 2, 7), ip4(10, 1, 2, 9))); /* no prefix */
    assert_int_equal(find(s, src, ip4(10, 1, 2, 3)), 1);
    assert_int_equal(find(s, src, ip4(10, 1, 2, 8)), 4);
    assert_int_equal(find(s, src, ip4(10, 1, 2, 10)), 3);
    assert_int_equal(find(s, src, ip4(10, 1, 3, 3)), 0);
    assert_int_equal(find(s, src, ip4(11, 1, 3, 3)), 2);
    spd_stop_out(s, 1);
    assert_int_equal(find(s, src, ip4(10, 1, 2, 3)), 3);
    spd_drop(s, 3);
    assert_int_equal(find(s, src, ip4(10, 1, 2, 3)), 0);
}

static void narrower_ports_then_local_addresses_decide_between_equal_prefixes(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);
    struct cv_ts dns = ts_host(ip4(10, 1, 0, 1)), udp = dns;
    struct ip_flow f = flow_to(ip4(192, 0, 2, 1), ip4(10, 1, 0, 1));

    (void)state;
    udp.proto = dns.proto = 17;
    dns.port_lo = dns.port_hi = 53;
    put(s, 0, ts_any(CV_IPV4), dns);
    put(s, 1, ts_any(CV_IPV4), udp);
    put(s, 2, ts_any(CV_IPV4), ts_host(ip4(10, 1, 0, 1)));
    put(s, 3, ts_range(ip4(192, 0, 2, 0), ip4(192, 0, 2, 255)), ts_host(ip4(10, 1, 0, 1)));
    put(s, 4, ts_any(CV_IPV4), ts_host(ip4(10, 1, 0, 1)));
    assert_int_equal(spd_find_out(s, &f), 0);
    f.dport = 54;
    assert_int_equal(spd_find_out(s, &f), 1);
    f.ports_known = false; /* a later fragment */
    assert_int_equal(spd_find_out(s, &f), 1);
    f.proto = 6;
    assert_int_equal(spd_find_out(s, &f), 3);
    f.src = ip4(192, 0, 3, 1);
    assert_int_equal(spd_find_out(s, &f), 4);
}

static void most_specific_of_several_local_selectors_counts(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);
    const struct cv_ts wide = ts_any(CV_IPV4),
                       narrow = ts_range(ip4(192, 0, 2, 0), ip4(192, 0, 2, 255)),
                       middle = ts_range(ip4(192, 0, 0, 0), ip4(192, 0, 255, 255));
    const struct cv_ts_list two =
                                {
                                    2, {narrow, wide}
    },
                            swapped = {2, {wide, narrow}};
    const struct cv_ts_list r = ts_one(ts_host(ip4(10, 1, 0, 1)));

    (void)state;
    assert_true(spd_put(s, 0, &two, &r));
    assert_true(spd_put(s, 1, &swapped, &r));
    for (uint32_t i = 0; i < 2; i++) {
        spd_use_out(s, i);
        put(s, 2, middle, r.ts[0]);
        assert_int_equal(find(s, ip4(192, 0, 2, 1), ip4(10, 1, 0, 1)), i);
        assert_int_equal(find(s, ip4(192, 0, 3, 1), ip4(10, 1, 0, 1)), 2);
        assert_int_equal(find(s, ip4(193, 0, 3, 1), ip4(10, 1, 0, 1)), i);
        spd_drop(s, 2);
        spd_stop_out(s, i);
    }
}

static void pair_used_last_wins_between_equal_selectors(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);
    const struct cv_addr src = ip4(192, 0, 2, 1), dst = ip4(10, 1, 0, 1);

    (void)state;
    put(s, 3, ts_any(CV_IPV4), ts_host(dst));
    put(s, 1, ts_any(CV_IPV4), ts_host(dst));
    assert_int_equal(find(s, src, dst), 1);
    put(s, 2, ts_any(CV_IPV4), ts_host(dst));
    assert_int_equal(find(s, src, dst), 2);
    spd_use_out(s, 1); /* is used already: the order stays */
    assert_int_equal(find(s, src, dst), 2);
    spd_stop_out(s, 2);
    assert_int_equal(find(s, src, dst), 1);
    spd_use_out(s, 2);
    assert_int_equal(find(s, src, dst), 2);
    spd_drop(s, 2);
    spd_drop(s, 1);
    assert_int_equal(find(s, src, dst), 3);
}

static void pair_that_is_not_used_outbound_is_not_found(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);
    const struct cv_ts_list l = ts_one(ts_any(CV_IPV4)), r = ts_one(ts_host(ip4(10, 1, 0, 1)));

    (void)state;
    assert_true(spd_put(s, 0, &l, &r));
    assert_int_equal(find(s, ip4(1, 1, 1, 1), ip4(10, 1, 0, 1)), POOL_NONE);
    spd_use_out(s, 0);
    assert_int_equal(find(s, ip4(1, 1, 1, 1), ip4(10, 1, 0, 1)), 0);
    spd_stop_out(s, 0);
    spd_stop_out(s, 0);
    assert_int_equal(find(s, ip4(1, 1, 1, 1), ip4(10, 1, 0, 1)), POOL_NONE);
}

static void packet_must_match_one_selector_on_each_side(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);
    const struct cv_ts_list l = {
        2, {ts_host(ip4(192, 0, 2, 1)), ts_host(ip6(9, 9))}
    };
    const struct cv_ts_list r = {
        2, {ts_host(ip4(10, 1, 0, 1)), ts_host(ip6(1, 1))}
    };
    struct ip_flow in = flow_to(ip4(10, 1, 0, 1), ip4(192, 0, 2, 1));

    (void)state;
    assert_true(spd_put(s, 4, &l, &r));
    spd_use_out(s, 4);
    assert_int_equal(find(s, ip4(192, 0, 2, 1), ip4(10, 1, 0, 1)), 4);
    assert_int_equal(find(s, ip6(9, 9), ip6(1, 1)), 4);
    assert_int_equal(find(s, ip4(192, 0, 2, 2), ip4(10, 1, 0, 1)), POOL_NONE);
    assert_int_equal(find(s, ip6(9, 8), ip6(1, 1)), POOL_NONE);
    assert_true(spd_allows_in(s, 4, &in));
    in.src.b[3]++;
    assert_false(spd_allows_in(s, 4, &in));
    in = flow_to(ip4(10, 1, 0, 1), ip4(192, 0, 2, 2));
    assert_false(spd_allows_in(s, 4, &in));
    in = flow_to(ip4(192, 0, 2, 1), ip4(10, 1, 0, 1)); /* the outbound direction */
    assert_false(spd_allows_in(s, 4, &in));
}

static void stored_lists_are_read_back_in_their_order(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);
    struct cv_ts_list l = {.n = CV_TS_MAX}, r = {.n = 3}, got_l, got_r;

    (void)state;
    for (uint8_t i = 0; i < CV_TS_MAX; i++) {
        l.ts[i] = ts_host(ip4(10, 0, 0, i));
        r.ts[i % 3] = ts_host(ip6(i, i));
    }
    assert_true(spd_put(s, 0, &l, &r));
    spd_get(s, 0, &got_l, &got_r);
    assert_int_equal(got_l.n, l.n);
    assert_int_equal(got_r.n, r.n);
    for (unsigned i = 0; i < l.n; i++)
        assert_true(selector_equal(&l.ts[i], &got_l.ts[i]));
    for (unsigned i = 0; i < r.n; i++)
        assert_true(selector_equal(&r.ts[i], &got_r.ts[i]));
}

static void equal_local_lists_share_their_cells(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);

    (void)state;
    for (uint8_t i = 0; i < 6; i++)
        put(s, i, ts_any(CV_IPV4), ts_host(ip4(10, 0, 0, i)));
    assert_int_equal(s->pool.used, 7);
    put(s, 6, ts_any(CV_IPV6), ts_host(ip6(1, 1)));
    assert_int_equal(s->pool.used, 9);
    for (uint8_t i = 0; i < 6; i++)
        spd_drop(s, i);
    assert_int_equal(s->pool.used, 2);
    spd_drop(s, 6);
    assert_int_equal(s->pool.used, 0);
    put(s, 0, ts_any(CV_IPV4), ts_host(ip4(10, 0, 0, 1)));
    assert_int_equal(find(s, ip4(1, 1, 1, 1), ip4(10, 0, 0, 1)), 0);
}

static void dropped_local_list_is_not_shared_any_more(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        put(s, 0, ts_any(CV_IPV4), ts_any(CV_IPV4));
        assert_int_equal(s->pool.used, 2); /* a peer's list is never shared */
        spd_drop(s, 0);
        assert_int_equal(s->pool.used, 0);
    }
}

static void full_store_refuses_and_keeps_nothing_of_the_list(void **state)
{
    struct fixture room;
    struct spd *s = fresh(&room);
    struct cv_ts_list l = {.n = CV_TS_MAX}, r = {.n = CV_TS_MAX};
    uint32_t n = 0, used;

    (void)state;
    for (; n < N_PAIRS; n++) {
        for (uint8_t i = 0; i < CV_TS_MAX; i++) {
            l.ts[i] = ts_host(ip4(10, 0, (uint8_t)n, i));
            r.ts[i] = ts_host(ip4(11, 0, (uint8_t)n, i));
        }
        used = s->pool.used;
        if (!spd_put(s, n, &l, &r))
            break;
    }
    assert_int_equal(n, N_CELLS / (2 * CV_TS_MAX));
    assert_int_equal(s->pool.used, used);
    while (n-- > 0)
        spd_drop(s, n);
    assert_int_equal(s->pool.used, 0);
}

static uint64_t rng_state = 20260010;

static uint32_t rng(uint32_t below)
{
    rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(rng_state >> 33) % below;
}

/* One of few addresses, so that selectors overlap a lot. */
static struct cv_addr random_addr(bool v6)
{
    const uint8_t a = (uint8_t)rng(2), b = (uint8_t)rng(4);

    return v6 ? ip6(a, b) : ip4(10, a, 0, b);
}

static struct cv_ts random_ts(bool v6)
{
    struct cv_addr lo = random_addr(v6), hi = random_addr(v6);
    struct cv_ts ts;

    if (rng(3) == 0)
        hi = lo;
    ts = memcmp(lo.b, hi.b, sizeof(lo.b)) <= 0 ? ts_range(lo, hi) : ts_range(hi, lo);
    ts.proto = rng(3) == 0 ? 17 : 0;
    if (rng(4) == 0) {
        ts.port_lo = 53;
        ts.port_hi = (uint16_t)(53 + rng(2));
    }
    return ts;
}

/* What spd_find_out promises, by trying every pair; used[i] says when pair i was put in
 * use, 0: not. */
static uint32_t slow_find(const struct spd *s, const unsigned used[N_PAIRS],
                          const struct ip_flow *f)
{
    const struct flow_end src = flow_src(f), dst = flow_dst(f);
    unsigned best_key[4] = {0};
    uint32_t best = POOL_NONE;

    for (uint32_t i = 0; i < N_PAIRS; i++) {
        struct cv_ts_list l, r;

        if (used[i] == 0)
            continue;
        spd_get(s, i, &l, &r);
        if (!selector_has(&l.ts[0], &src) || !selector_has(&r.ts[0], &dst))
            continue;
        const unsigned key[4] = {
            selector_prefix(&r.ts[0]) + 1U,
            (unsigned)selector_narrow(&r.ts[0]) + selector_narrow(&l.ts[0]),
            selector_prefix(&l.ts[0]),
            used[i],
        };
        for (unsigned k = 0; k < 4; k++) {
            if (key[k] < best_key[k])
                break;
            if (key[k] > best_key[k]) {
                memcpy(best_key, key, sizeof(key));
                best = i;
                break;
            }
        }
    }
    return best;
}

/* One random step in the life of pair i. */
static void change(struct spd *s, uint32_t i, bool v6, bool stored[N_PAIRS],
                   unsigned used[N_PAIRS], unsigned now)
{
    const struct cv_ts_list l = ts_one(random_ts(v6)), r = ts_one(random_ts(v6));

    if (!stored[i]) {
        stored[i] = spd_put(s, i, &l, &r);
        assert_true(stored[i]);
    } else if (used[i] == 0) {
        spd_use_out(s, i);
        used[i] = now;
    } else if (rng(3) == 0) {
        spd_stop_out(s, i);
        used[i] = 0;
    } else if (rng(3) == 0) {
        spd_drop(s, i);
        used[i] = 0;
        stored[i] = false;
    }
}

static void index_agrees_with_trying_every_pair(void **state)
{
    enum { SEEDS = 300, ROUNDS = 100 };
    struct fixture room;
    unsigned found = 0;

    (void)state;
    for (uint64_t n = 0; n < SEEDS; n++) {
        const uint64_t seed[2] = {n, ~n}; /* other prefixes meet in one bucket */
        struct spd *s = fresh_with_seed(&room, seed);
        bool stored[N_PAIRS] = {false};
        unsigned used[N_PAIRS] = {0};

        for (unsigned round = 1; round <= ROUNDS; round++) {
            const bool v6 = rng(2);
            struct ip_flow f = flow_to(random_addr(v6), random_addr(v6));

            change(s, rng(N_PAIRS), rng(2), stored, used, round);
            f.dport = (uint16_t)(53 + rng(2));
            f.sport = (uint16_t)(53 + rng(2));
            f.ports_known = rng(3) != 0;
            f.proto = rng(2) ? 17 : 6;
            assert_int_equal(spd_find_out(s, &f), slow_find(s, used, &f));
            found += spd_find_out(s, &f) != POOL_NONE;
        }
    }
    assert_in_range(found, SEEDS * ROUNDS / 10, SEEDS * ROUNDS * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_address_finds_its_own_pair),
        cmocka_unit_test(most_specific_remote_selector_wins_whatever_the_order),
        cmocka_unit_test(narrower_ports_then_local_addresses_decide_between_equal_prefixes),
        cmocka_unit_test(most_specific_of_several_local_selectors_counts),
        cmocka_unit_test(pair_used_last_wins_between_equal_selectors),
        cmocka_unit_test(pair_that_is_not_used_outbound_is_not_found),
        cmocka_unit_test(packet_must_match_one_selector_on_each_side),
        cmocka_unit_test(stored_lists_are_read_back_in_their_order),
        cmocka_unit_test(equal_local_lists_share_their_cells),
        cmocka_unit_test(dropped_local_list_is_not_shared_any_more),
        cmocka_unit_test(full_store_refuses_and_keeps_nothing_of_the_list),
        cmocka_unit_test(index_agrees_with_trying_every_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
