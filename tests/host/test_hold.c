/* Packets that wait for their tunnel: how many, how long, whose.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plane/hold.h"

static struct cv_span packet(uint8_t *octets, uint8_t value)
{
    octets[0] = value;
    return (struct cv_span){octets, 1};
}

static void packets_come_back_to_their_own_key_in_order(void **state)
{
    struct hold h = {0};
    struct held *out[HOLD_EACH];
    uint8_t o[1];

    (void)state;
    assert_true(hold_put(&h, 1, packet(o, 10), 0));
    assert_true(hold_put(&h, 2, packet(o, 20), 0));
    assert_true(hold_put(&h, 1, packet(o, 11), 0));
    assert_int_equal(hold_take(&h, 1, 1, out), 2);
    assert_int_equal(held_packet(out[0]).p[0], 10);
    assert_int_equal(held_packet(out[1]).p[0], 11);
    free(out[0]);
    free(out[1]);
    assert_int_equal(hold_take(&h, 1, 1, out), 0);
    hold_drop(&h, 2);
    assert_int_equal(h.n, 0);
}

static void there_is_room_for_few_of_each_and_some_in_all(void **state)
{
    struct hold h = {0};
    uint8_t o[1];

    (void)state;
    for (uint64_t key = 0; key < HOLD_MAX / HOLD_EACH; key++) {
        for (unsigned i = 0; i < HOLD_EACH; i++)
            assert_true(hold_put(&h, key, packet(o, 0), 0));
        assert_false(hold_put(&h, key, packet(o, 0), 0));
    }
    assert_int_equal(h.n, HOLD_MAX);
    assert_false(hold_put(&h, 1000, packet(o, 0), 0));
    hold_clear(&h);
    assert_int_equal(h.n, 0);
    assert_null(h.first);
}

static void what_waited_too_long_makes_room_and_is_not_sent(void **state)
{
    struct hold h = {0};
    struct held *out[HOLD_EACH];
    uint8_t o[1];

    (void)state;
    for (unsigned i = 0; i < HOLD_EACH; i++)
        assert_true(hold_put(&h, 7, packet(o, 1), i));
    assert_false(hold_put(&h, 7, packet(o, 2), HOLD_FOR_MS));
    assert_true(hold_put(&h, 7, packet(o, 2), HOLD_FOR_MS + HOLD_EACH));
    assert_int_equal(hold_take(&h, 7, HOLD_FOR_MS + HOLD_EACH, out), 1);
    assert_int_equal(held_packet(out[0]).p[0], 2);
    free(out[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_come_back_to_their_own_key_in_order),
        cmocka_unit_test(there_is_room_for_few_of_each_and_some_in_all),
        cmocka_unit_test(what_waited_too_long_makes_room_and_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
