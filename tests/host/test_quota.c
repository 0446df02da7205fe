/* kit/quota: what others make us say is bounded, and what was left out is said.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/quota.h"

static unsigned taken(struct quota *q, uint64_t now_ms, unsigned tries)
{
    unsigned n = 0;

    for (unsigned i = 0; i < tries; i++)
        n += quota_take(q, now_ms);
    return n;
}

static void a_burst_passes_and_then_one_a_second(void **state)
{
    struct quota q = {0};

    (void)state;
    assert_int_equal(taken(&q, 5000, 1000), QUOTA_BURST);
    assert_int_equal(taken(&q, 5000 + QUOTA_EVERY_MS - 1, 1000), 0);
    assert_int_equal(taken(&q, 5000 + QUOTA_EVERY_MS, 1000), 1);
    assert_int_equal(taken(&q, 5000 + 1000 * QUOTA_EVERY_MS, 1000), QUOTA_BURST);
}

static void what_was_left_out_is_told_once_and_takes_a_place(void **state)
{
    struct quota q = {0};

    (void)state;
    assert_int_equal(taken(&q, 0, QUOTA_BURST + 7), QUOTA_BURST);
    assert_int_equal(quota_settle(&q, 0), 0);
    assert_int_equal(quota_settle(&q, QUOTA_EVERY_MS), 7);
    assert_int_equal(quota_settle(&q, QUOTA_EVERY_MS), 0);
    assert_int_equal(taken(&q, QUOTA_EVERY_MS, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_passes_and_then_one_a_second),
        cmocka_unit_test(what_was_left_out_is_told_once_and_takes_a_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
