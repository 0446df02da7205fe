/* src/base/htab.c against a plain array, and SipHash against its paper.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/htab.h"

static const uint64_t seed[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

/* xorshift64: repeatable, good enough to shuffle operations. */
static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Appendix A of the paper prints the hash of 00..0e; the others are the first entries
 * of vectors.h in the authors' reference package. */
static void siphash_gives_the_values_of_its_authors(void **state)
{
    uint8_t in[15];

    (void)state;
    for (unsigned i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)i;
    assert_true(siphash24(seed, in, 15) == UINT64_C(0xa129ca6149be45e5));
    assert_true(siphash24(seed, NULL, 0) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(siphash24(seed, in, 1) == UINT64_C(0x74f839c593dc67fd));
    assert_true(siphash24(seed, in, 8) == UINT64_C(0x93f5f5799a932462));
}

static void htab_slots_leaves_a_quarter_empty(void **state)
{
    (void)state;
    assert_int_equal(htab_slots(0), 4);
    assert_int_equal(htab_slots(3), 4);
    assert_int_equal(htab_slots(4), 8);
    assert_int_equal(htab_slots(6), 8);
    assert_int_equal(htab_slots(7), 16);
    assert_int_equal(htab_slots(1000000), 2097152);
    assert_int_equal(htab_slots(UINT32_MAX), 0);
}

static void htab_refuses_what_does_not_fit(void **state)
{
    struct htab_slot slots[8];
    struct htab t;

    (void)state;
    htab_init(&t, slots, 8, seed);
    for (uint32_t i = 0; i < 6; i++)
        assert_true(htab_put(&t, i, i));
    assert_false(htab_put(&t, 6, 6));
    assert_true(htab_del(&t, 0));
    assert_true(htab_put(&t, 6, 6));
    assert_int_equal(htab_get(&t, 6), 6);
    assert_int_equal(htab_get(&t, 0), HTAB_NONE);
}

static void htab_refuses_a_key_twice_and_the_empty_value(void **state)
{
    struct htab_slot slots[8];
    struct htab t;

    (void)state;
    htab_init(&t, slots, 8, seed);
    assert_true(htab_put(&t, 42, 1));
    assert_false(htab_put(&t, 42, 2));
    assert_int_equal(htab_get(&t, 42), 1);
    assert_false(htab_put(&t, 43, HTAB_NONE));
    assert_true(htab_del(&t, 42));
    assert_false(htab_del(&t, 42));
    assert_int_equal(t.used, 0);
}

/* Few keys over few slots, so that clusters form, wrap round and get holes. */
static void htab_agrees_with_a_plain_array_under_random_operations(void **state)
{
    enum { KEYS = 40, SLOTS = 32 };
    struct htab_slot slots[SLOTS];
    uint32_t model[KEYS], used = 0;
    uint64_t rng = 88172645463325252u;
    struct htab t;

    (void)state;
    htab_init(&t, slots, SLOTS, seed);
    for (unsigned k = 0; k < KEYS; k++)
        model[k] = HTAB_NONE;
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t k = (uint32_t)(next_random(&rng) % KEYS);

        if (next_random(&rng) % 2 == 0) {
            bool room = model[k] == HTAB_NONE && used < SLOTS / 4 * 3;

            assert_int_equal(htab_put(&t, k, step), room);
            used += room;
            model[k] = room ? step : model[k];
        } else {
            assert_int_equal(htab_del(&t, k), model[k] != HTAB_NONE);
            used -= model[k] != HTAB_NONE;
            model[k] = HTAB_NONE;
        }
        for (k = 0; k < KEYS; k++)
            assert_int_equal(htab_get(&t, k), model[k]);
        assert_int_equal(t.used, used);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_gives_the_values_of_its_authors),
        cmocka_unit_test(htab_slots_leaves_a_quarter_empty),
        cmocka_unit_test(htab_refuses_what_does_not_fit),
        cmocka_unit_test(htab_refuses_a_key_twice_and_the_empty_value),
        cmocka_unit_test(htab_agrees_with_a_plain_array_under_random_operations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
