/* src/base/chain.c: lists by key beside a plain model of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/chain.h"

enum { CAP = 24, KEYS = 5, STEPS = 20000, OUT = 255 };

static alignas(max_align_t) uint8_t memory[4096];

static struct chain fresh(void)
{
    const uint64_t seed[2] = {1, 2};
    struct arena a = {.p = memory, .cap = sizeof(memory)};
    struct chain c;

    chain_carve(&c, &a, CAP, seed);
    assert_false(a.bad);
    return c;
}

static uint32_t chance(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % below;
}

/* key[i] and when[i]: the list that i is in, and since when. */
static void assert_lists(const struct chain *c, const uint8_t *key, const unsigned *when)
{
    for (uint32_t k = 0; k < KEYS; k++) {
        unsigned n = 0, back = 0, last = UINT32_MAX;

        for (uint32_t i = chain_first(c, k); i != CHAIN_NONE; i = chain_next(c, i)) {
            assert_int_equal(key[i], k);
            assert_true(when[i] < last);
            assert_true(chain_has(c, i, k));
            last = when[i];
            n++;
        }
        for (uint32_t i = chain_last(c, k), before = 0; i != CHAIN_NONE; i = chain_prev(c, i)) {
            assert_int_equal(key[i], k);
            assert_true(when[i] >= before);
            before = when[i];
            back++;
        }
        assert_int_equal(back, n);
        for (uint32_t i = 0; i < CAP; i++)
            n -= key[i] == k;
        assert_int_equal(n, 0);
    }
}

static void chain_holds_what_was_put_newest_first(void **state)
{
    struct chain c = fresh();
    uint8_t key[CAP];
    unsigned when[CAP] = {0};
    uint32_t seed = 7;

    (void)state;
    for (unsigned i = 0; i < CAP; i++)
        key[i] = OUT;
    for (unsigned step = 1; step < STEPS; step++) {
        uint32_t i = chance(&seed, CAP);

        if (chance(&seed, 3) == 0) {
            chain_del(&c, i);
            key[i] = OUT;
            assert_false(chain_has(&c, i, 0));
        } else {
            key[i] = (uint8_t)chance(&seed, KEYS);
            when[i] = step;
            chain_put(&c, i, key[i]);
        }
        assert_lists(&c, key, when);
    }
}

/* Every slot in a list of its own is as full as it gets. */
static void chain_has_room_for_as_many_lists_as_slots(void **state)
{
    struct chain c = fresh();

    (void)state;
    for (uint64_t turn = 0; turn < 3; turn++) {
        for (uint32_t i = 0; i < CAP; i++)
            chain_put(&c, i, 1000 * turn + i);
        for (uint32_t i = 0; i < CAP; i++) {
            assert_int_equal(chain_first(&c, 1000 * turn + i), i);
            assert_int_equal(chain_next(&c, i), CHAIN_NONE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chain_holds_what_was_put_newest_first),
        cmocka_unit_test(chain_has_room_for_as_many_lists_as_slots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
