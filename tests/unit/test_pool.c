/* src/base/pool.c: bounded, zeroed when taken, wiped when given back.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"

enum { CAP = 5, SIZE = 12 };

struct fixture {
    struct pool pool;
    uint8_t slots[CAP * SIZE];
    uint32_t next_free[CAP];
};

static struct fixture *fresh(struct fixture *f)
{
    memset(f->slots, 0xee, sizeof(f->slots));
    pool_init(&f->pool, f->slots, f->next_free, SIZE, CAP);
    return f;
}

static void pool_hands_out_every_slot_once_and_then_refuses(void **state)
{
    struct fixture room, *f = fresh(&room);
    unsigned seen = 0;

    (void)state;
    for (unsigned i = 0; i < CAP; i++) {
        uint32_t slot = pool_take(&f->pool);

        assert_in_range(slot, 0, CAP - 1);
        assert_int_equal(seen & 1u << slot, 0);
        seen |= 1u << slot;
        assert_ptr_equal(pool_at(&f->pool, slot), f->slots + slot * SIZE);
    }
    assert_int_equal(pool_take(&f->pool), POOL_NONE);
    assert_int_equal(f->pool.used, CAP);
}

static void pool_zeroes_a_slot_when_taken_and_wipes_it_when_given(void **state)
{
    static const uint8_t zeros[SIZE];
    struct fixture room, *f = fresh(&room);
    uint32_t slot = pool_take(&f->pool);
    uint8_t *at = pool_at(&f->pool, slot);

    (void)state;
    assert_memory_equal(at, zeros, SIZE);
    memset(at, 0x55, SIZE);
    pool_give(&f->pool, slot);
    assert_memory_equal(at, zeros, SIZE);
}

static void pool_knows_what_is_in_use(void **state)
{
    struct fixture room, *f = fresh(&room);
    uint32_t slot = pool_take(&f->pool);

    (void)state;
    assert_true(pool_in_use(&f->pool, slot));
    pool_give(&f->pool, slot);
    assert_false(pool_in_use(&f->pool, slot));
    assert_null(pool_at(&f->pool, slot));
    assert_false(pool_in_use(&f->pool, CAP));
    assert_false(pool_in_use(&f->pool, POOL_NONE));
    assert_null(pool_at(&f->pool, POOL_NONE));
}

static void pool_ignores_what_is_not_in_use_when_given_back(void **state)
{
    struct fixture room, *f = fresh(&room);
    uint32_t a = pool_take(&f->pool);

    (void)state;
    pool_give(&f->pool, a);
    pool_give(&f->pool, a);
    pool_give(&f->pool, CAP + 7);
    assert_int_equal(f->pool.used, 0);
    for (unsigned i = 0; i < CAP; i++)
        assert_int_not_equal(pool_take(&f->pool), POOL_NONE);
    assert_int_equal(pool_take(&f->pool), POOL_NONE);
}

static void pool_of_no_slots_is_always_full(void **state)
{
    struct pool p;

    (void)state;
    pool_init(&p, NULL, NULL, SIZE, 0);
    assert_int_equal(pool_take(&p), POOL_NONE);
}

static void pool_number_is_another_one_each_time_a_slot_is_used(void **state)
{
    struct fixture room, *f = fresh(&room);
    uint32_t gen[CAP] = {0}, seen[3 * CAP];
    unsigned n = 0;

    (void)state;
    for (unsigned turn = 0; turn < 3; turn++) {
        for (uint32_t i = 0; i < CAP; i++) {
            uint32_t number = pool_number(&f->pool, gen, i);

            assert_int_equal((number - 1) % CAP, i);
            for (unsigned old = 0; old < n; old++)
                assert_int_not_equal(seen[old], number);
            seen[n++] = number;
        }
    }
    gen[0] = (UINT32_MAX - CAP) / CAP; /* starts again, and is never 0 */
    assert_int_not_equal(pool_number(&f->pool, gen, 0), 0);
    assert_int_equal(pool_number(&f->pool, gen, 0), 1);
}

static void pool_index_finds_the_slot_again(void **state)
{
    struct fixture room, *f = fresh(&room);
    uint32_t i;

    (void)state;
    while ((i = pool_take(&f->pool)) != POOL_NONE)
        assert_int_equal(pool_index(&f->pool, pool_at(&f->pool, i)), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool_hands_out_every_slot_once_and_then_refuses),
        cmocka_unit_test(pool_zeroes_a_slot_when_taken_and_wipes_it_when_given),
        cmocka_unit_test(pool_knows_what_is_in_use),
        cmocka_unit_test(pool_ignores_what_is_not_in_use_when_given_back),
        cmocka_unit_test(pool_of_no_slots_is_always_full),
        cmocka_unit_test(pool_number_is_another_one_each_time_a_slot_is_used),
        cmocka_unit_test(pool_index_finds_the_slot_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
