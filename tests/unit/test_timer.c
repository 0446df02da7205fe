/* src/base/timer.c, above all against a naive list under random operations.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/timer.h"

static const uint64_t YEAR_MS = UINT64_C(1000) * 60 * 60 * 24 * 365;

static void a_timer_expires_at_its_time_and_not_before(void **state)
{
    struct wheel w;
    struct timer t = {0};

    (void)state;
    wheel_init(&w, 1000);
    timer_set(&w, &t, 1500);
    assert_true(timer_is_set(&t));
    assert_null(wheel_expire(&w, 1499));
    assert_true(wheel_next(&w) == 1500);
    assert_ptr_equal(wheel_expire(&w, 1500), &t);
    assert_false(timer_is_set(&t));
    assert_null(wheel_expire(&w, 1500));
    assert_true(wheel_next(&w) == TIMER_NEVER);
}

static void a_due_time_in_the_past_is_due_at_once(void **state)
{
    struct wheel w;
    struct timer t = {0};

    (void)state;
    wheel_init(&w, 1000);
    timer_set(&w, &t, 3);
    assert_true(wheel_next(&w) <= 1000);
    assert_ptr_equal(wheel_expire(&w, 1000), &t);
}

static void never_cancels(void **state)
{
    struct wheel w;
    struct timer t = {0};

    (void)state;
    wheel_init(&w, 0);
    timer_set(&w, &t, 70);
    timer_set(&w, &t, TIMER_NEVER);
    assert_false(timer_is_set(&t));
    assert_true(wheel_next(&w) == TIMER_NEVER);
    timer_cancel(&w, &t);
    assert_null(wheel_expire(&w, 1000));
}

static void a_timer_can_be_moved_both_ways(void **state)
{
    struct wheel w;
    struct timer t = {0};

    (void)state;
    wheel_init(&w, 0);
    timer_set(&w, &t, 100);
    timer_set(&w, &t, 100000);
    assert_null(wheel_expire(&w, 50000));
    timer_set(&w, &t, 50001);
    assert_ptr_equal(wheel_expire(&w, 60000), &t);
}

static void one_large_jump_expires_everything_in_order(void **state)
{
    enum { N = 9 };
    static const uint64_t due[N] = {1, 63, 64, 4095, 4096, 262144, 16777216, 1073741824, 9};
    static const unsigned order[N] = {0, 8, 1, 2, 3, 4, 5, 6, 7};
    struct timer t[N] = {{0}};
    struct wheel w;

    (void)state;
    wheel_init(&w, 0);
    for (unsigned i = 0; i < N; i++)
        timer_set(&w, &t[i], due[i]);
    for (unsigned i = 0; i < N; i++)
        assert_ptr_equal(wheel_expire(&w, 10 * YEAR_MS), &t[order[i]]);
    assert_null(wheel_expire(&w, 10 * YEAR_MS));
    assert_true(w.now_ms == 10 * YEAR_MS);
}

static void deadlines_years_and_centuries_ahead_are_kept(void **state)
{
    static const uint64_t ages[] = {2, 30, 139, 140, 1000, 500000000};
    struct wheel w;

    (void)state;
    for (unsigned i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        struct timer t = {0};
        uint64_t due = 12345 + ages[i] * YEAR_MS, now;

        wheel_init(&w, 12345);
        timer_set(&w, &t, due);
        while ((now = wheel_next(&w)) < due) {
            assert_true(now > w.now_ms);
            assert_null(wheel_expire(&w, now));
        }
        assert_true(now == due);
        assert_ptr_equal(wheel_expire(&w, due), &t);
    }
}

static void a_timer_past_the_horizon_can_be_cancelled(void **state)
{
    struct wheel w;
    struct timer a = {0}, b = {0};

    (void)state;
    wheel_init(&w, 5);
    timer_set(&w, &a, 1000 * YEAR_MS);
    timer_set(&w, &b, 2000 * YEAR_MS);
    timer_cancel(&w, &a);
    assert_ptr_equal(wheel_expire(&w, 3000 * YEAR_MS), &b);
    assert_true(wheel_next(&w) == TIMER_NEVER);
}

static void a_handler_may_set_and_cancel_while_timers_expire(void **state)
{
    struct wheel w;
    struct timer a = {0}, b = {0}, c = {0};

    (void)state;
    wheel_init(&w, 0);
    timer_set(&w, &a, 10);
    timer_set(&w, &b, 20);
    assert_ptr_equal(wheel_expire(&w, 30), &a);
    timer_cancel(&w, &b);
    timer_set(&w, &c, 25);
    timer_set(&w, &a, 40);
    assert_ptr_equal(wheel_expire(&w, 30), &c);
    assert_null(wheel_expire(&w, 30));
    assert_ptr_equal(wheel_expire(&w, 40), &a);
}

static void time_does_not_go_back(void **state)
{
    struct wheel w;
    struct timer t = {0};

    (void)state;
    wheel_init(&w, 1000);
    assert_null(wheel_expire(&w, 500));
    assert_true(w.now_ms == 1000);
    timer_set(&w, &t, 1001);
    assert_ptr_equal(wheel_expire(&w, 1001), &t);
}

/* A device sleeps until its deadline: were it only the start of a slot, it would wake to move
 * timers about.  With more timers than a device has the start is enough. */
static void the_next_deadline_is_a_timers_own(void **state)
{
    enum { MANY = WHEEL_EXACT + 1 };
    const uint64_t week = YEAR_MS / 52;
    struct timer t[MANY] = {{0}};
    struct wheel w;

    (void)state;
    wheel_init(&w, 12345);
    for (unsigned i = 0; i < WHEEL_EXACT; i++) {
        timer_set(&w, &t[i], week + 1000 - i);
        assert_true(wheel_next(&w) == week + 1000 - i);
    }
    timer_set(&w, &t[WHEEL_EXACT], week + 2000);
    assert_true(wheel_next(&w) <= week + 1000 - (WHEEL_EXACT - 1));
    timer_set(&w, &t[3], 12346);
    assert_true(wheel_next(&w) == 12346);
}

/* ---- against a naive list --------------------------------------------------- */

enum { TIMERS = 50, STEPS = 200000 };

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Distances of every magnitude up to 2^44 ms are equally likely. */
static uint64_t random_distance(uint64_t *rng)
{
    return next_random(rng) >> (20 + next_random(rng) % 44);
}

static uint64_t earliest(const uint64_t due[TIMERS])
{
    uint64_t min = TIMER_NEVER;

    for (unsigned i = 0; i < TIMERS; i++)
        min = due[i] < min ? due[i] : min;
    return min;
}

/* Everything that the list says is due must come out, and nothing else. */
static void check_expiry(struct wheel *w, struct timer *t, uint64_t due[TIMERS], uint64_t now)
{
    struct timer *got;

    while ((got = wheel_expire(w, now)) != NULL) {
        size_t i = (size_t)(got - t);

        assert_true(due[i] <= now);
        assert_true(due[i] == earliest(due));
        due[i] = TIMER_NEVER;
    }
    assert_true(earliest(due) > now);
}

static void random_operations_agree_with_a_naive_list(void **state)
{
    struct timer t[TIMERS] = {{0}};
    uint64_t due[TIMERS], now = 1000000, rng = UINT64_C(0x9e3779b97f4a7c15);
    struct wheel w;

    (void)state;
    wheel_init(&w, now);
    for (unsigned i = 0; i < TIMERS; i++)
        due[i] = TIMER_NEVER;
    for (unsigned step = 0; step < STEPS; step++) {
        size_t i = next_random(&rng) % TIMERS;
        uint64_t next;

        switch (next_random(&rng) % 4) {
        case 0:
            timer_cancel(&w, &t[i]);
            due[i] = TIMER_NEVER;
            break;
        case 1:
            now += random_distance(&rng) >> 12;
            check_expiry(&w, t, due, now);
            break;
        default:
            due[i] = now + 1 + random_distance(&rng);
            timer_set(&w, &t[i], due[i]);
        }
        next = wheel_next(&w);
        assert_true(next <= earliest(due));
        assert_true(next > w.now_ms);
        assert_int_equal(next == TIMER_NEVER, earliest(due) == TIMER_NEVER);
        assert_int_equal(timer_is_set(&t[i]), due[i] != TIMER_NEVER);
    }
}

/* A host that sleeps until wheel_next each time must see every timer on the dot. */
static void following_wheel_next_misses_nothing(void **state)
{
    struct timer t[TIMERS] = {{0}};
    uint64_t due[TIMERS], now = 777, rng = 42;
    unsigned wakeups = 0;
    struct wheel w;

    (void)state;
    wheel_init(&w, now);
    for (unsigned i = 0; i < TIMERS; i++) {
        due[i] = now + 1 + random_distance(&rng);
        timer_set(&w, &t[i], due[i]);
    }
    while ((now = wheel_next(&w)) != TIMER_NEVER) {
        assert_true(now <= earliest(due));
        check_expiry(&w, t, due, now);
        wakeups++;
    }
    assert_true(earliest(due) == TIMER_NEVER);
    assert_true(wakeups <= TIMERS * (WHEEL_LEVELS + 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_expires_at_its_time_and_not_before),
        cmocka_unit_test(a_due_time_in_the_past_is_due_at_once),
        cmocka_unit_test(never_cancels),
        cmocka_unit_test(a_timer_can_be_moved_both_ways),
        cmocka_unit_test(one_large_jump_expires_everything_in_order),
        cmocka_unit_test(deadlines_years_and_centuries_ahead_are_kept),
        cmocka_unit_test(a_timer_past_the_horizon_can_be_cancelled),
        cmocka_unit_test(a_handler_may_set_and_cancel_while_timers_expire),
        cmocka_unit_test(time_does_not_go_back),
        cmocka_unit_test(the_next_deadline_is_a_timers_own),
        cmocka_unit_test(random_operations_agree_with_a_naive_list),
        cmocka_unit_test(following_wheel_next_misses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
