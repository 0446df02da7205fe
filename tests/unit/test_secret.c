/* src/base/secret.c: comparing and clearing secrets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"

static void ct_equal_sees_every_single_bit(void **state)
{
    uint8_t a[32], b[32];

    (void)state;
    memset(a, 0xa5, sizeof(a));
    memcpy(b, a, sizeof(b));
    assert_true(ct_equal(a, b, sizeof(a)));
    for (unsigned bit = 0; bit < 256; bit++) {
        b[bit / 8] = (uint8_t)(b[bit / 8] ^ 1u << bit % 8);
        assert_false(ct_equal(a, b, sizeof(a)));
        assert_int_equal(ct_equal(a, b, bit / 8), true);
        b[bit / 8] = a[bit / 8];
    }
}

static void ct_equal_of_nothing_is_true(void **state)
{
    (void)state;
    assert_true(ct_equal("a", "b", 0));
    assert_true(ct_equal(NULL, NULL, 0));
}

static void wipe_clears_exactly_n_octets(void **state)
{
    uint8_t buf[4] = {1, 2, 3, 4};

    (void)state;
    wipe(buf + 1, 2);
    assert_memory_equal(buf, "\x01\0\0\x04", 4);
    wipe(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ct_equal_sees_every_single_bit),
        cmocka_unit_test(ct_equal_of_nothing_is_true),
        cmocka_unit_test(wipe_clears_exactly_n_octets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
