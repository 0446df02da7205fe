/* src/base/bucket.c
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bucket.h"

enum { BURST = 5, EVERY_MS = 100 };

static unsigned taken(struct bucket *b, uint64_t now_ms, unsigned tries)
{
    unsigned n = 0;

    while (tries-- > 0)
        n += bucket_take(b, now_ms, BURST, EVERY_MS);
    return n;
}

static void a_burst_and_then_one_each_interval(void **state)
{
    struct bucket b = {0};

    (void)state;
    assert_int_equal(taken(&b, 0, 20), BURST);
    assert_int_equal(taken(&b, 99, 20), 0);
    assert_int_equal(taken(&b, 100, 20), 1);
    assert_int_equal(taken(&b, 350, 20), 2);
    assert_int_equal(taken(&b, 1000000, 20), BURST); /* no more than that is saved up */
}

static void one_at_a_time_is_never_refused(void **state)
{
    struct bucket b = {0};

    (void)state;
    for (uint64_t t = 7; t < 100000; t += EVERY_MS)
        assert_true(bucket_take(&b, t, 1, EVERY_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_and_then_one_each_interval),
        cmocka_unit_test(one_at_a_time_is_never_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
