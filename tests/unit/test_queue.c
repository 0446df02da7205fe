/* src/base/queue.c: first in, first out, also for queues that share their links.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/queue.h"

enum { CAP = 16, STEPS = 20000 };

static void queue_gives_in_the_order_it_got(void **state)
{
    static const uint32_t order[] = {5, 0, 15, 7};
    uint32_t next[CAP];
    struct queue q;

    (void)state;
    queue_init(&q, next);
    assert_int_equal(queue_take(&q), QUEUE_NONE);
    for (int turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < 4; i++)
            queue_put(&q, order[i]);
        assert_int_equal(q.n, 4);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(queue_take(&q), order[i]);
        assert_int_equal(queue_take(&q), QUEUE_NONE);
        assert_int_equal(q.first, QUEUE_NONE);
        assert_int_equal(q.last, QUEUE_NONE);
    }
}

static uint32_t chance(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % below;
}

/* Two queues over one array of links beside a plain model of both. */
static void queue_does_not_mind_another_one_over_the_same_links(void **state)
{
    uint32_t next[CAP], model[2][CAP], n[2] = {0, 0}, seed = 1;
    bool in[CAP] = {false};
    struct queue q[2];

    (void)state;
    queue_init(&q[0], next);
    queue_init(&q[1], next);
    for (int step = 0; step < STEPS; step++) {
        uint32_t which = chance(&seed, 2), i = chance(&seed, CAP);

        if (chance(&seed, 2) == 0 && !in[i]) {
            queue_put(&q[which], i);
            model[which][n[which]++] = i;
            in[i] = true;
        } else if (n[which] > 0) {
            i = model[which][0];
            n[which]--;
            for (uint32_t m = 0; m < n[which]; m++)
                model[which][m] = model[which][m + 1];
            assert_int_equal(queue_take(&q[which]), i);
            in[i] = false;
        } else {
            assert_int_equal(queue_take(&q[which]), QUEUE_NONE);
        }
        assert_int_equal(q[which].n, n[which]);
        assert_int_equal(q[which].first, n[which] == 0 ? QUEUE_NONE : model[which][0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_gives_in_the_order_it_got),
        cmocka_unit_test(queue_does_not_mind_another_one_over_the_same_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
