/* src/base/arena.c: counting and building agree, and overflow is caught.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void arena_builds_what_it_counted(void **state)
{
    static alignas(max_align_t) uint8_t block[256];
    struct arena count = {0}, build = {.p = block};
    uint8_t *a, *b;

    (void)state;
    memset(block, 0xee, sizeof(block));
    assert_null(arena_take(&count, 3, 5));
    assert_null(arena_take(&count, 2, 8));
    assert_false(count.bad);
    build.cap = count.used;
    a = arena_take(&build, 3, 5);
    b = arena_take(&build, 2, 8);
    assert_non_null(a);
    assert_non_null(b);
    assert_false(build.bad);
    assert_int_equal(build.used, count.used);
    assert_int_equal((uintptr_t)b % alignof(max_align_t), 0);
    assert_true(b >= a + 15);
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(a[i], 0);
}

static void arena_takes_the_same_room_raw_and_leaves_it_untouched(void **state)
{
    static alignas(max_align_t) uint8_t block[64];
    struct arena raw = {.p = block, .cap = sizeof(block)}, zeroed = raw;
    uint8_t *at;

    (void)state;
    memset(block, 0xee, sizeof(block));
    at = arena_take_raw(&raw, 3, 5);
    assert_ptr_equal(at, block);
    assert_int_equal(at[0], 0xee);
    assert_ptr_equal(arena_take(&zeroed, 3, 5), at);
    assert_int_equal(at[0], 0);
    assert_int_equal(raw.used, zeroed.used);
    assert_null(arena_take_raw(&raw, 1, 64));
    assert_true(raw.bad);
}

static void arena_refuses_what_does_not_fit_and_stays_bad(void **state)
{
    static alignas(max_align_t) uint8_t block[64];
    struct arena a = {.p = block, .cap = sizeof(block)};

    (void)state;
    assert_non_null(arena_take(&a, 1, 64));
    assert_null(arena_take(&a, 1, 1));
    assert_true(a.bad);
    a.used = 0;
    assert_null(arena_take(&a, 1, 1));
}

static void arena_catches_sizes_that_overflow(void **state)
{
    static alignas(max_align_t) uint8_t block[64];

    (void)state;
    for (unsigned counting = 0; counting < 2; counting++) {
        uint8_t *p = counting ? NULL : block;
        struct arena product = {.p = p, .cap = 64}, rounding = {.p = p, .cap = 64};

        assert_null(arena_take(&product, SIZE_MAX / 2, 3));
        assert_true(product.bad);
        assert_null(arena_take(&rounding, 1, SIZE_MAX));
        assert_true(rounding.bad);
        for (size_t less = 0; less < alignof(max_align_t) - 1;
             less++) { /* rounded up: too much */
            struct arena last = {.p = p, .cap = 64};

            (void)arena_take_raw(&last, SIZE_MAX - less, 1);
            assert_true(last.bad);
        }
    }
}

static void arena_catches_a_count_that_overflows(void **state)
{
    struct arena a = {0};

    (void)state;
    arena_take(&a, 1, SIZE_MAX / 4 * 3);
    assert_false(a.bad);
    arena_take(&a, 1, SIZE_MAX / 2);
    assert_true(a.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_builds_what_it_counted),
        cmocka_unit_test(arena_takes_the_same_room_raw_and_leaves_it_untouched),
        cmocka_unit_test(arena_refuses_what_does_not_fit_and_stays_bad),
        cmocka_unit_test(arena_catches_sizes_that_overflow),
        cmocka_unit_test(arena_catches_a_count_that_overflows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
