/* roster/secrets: what a secret in the registry means in octets.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "roster/secrets.h"

static void hexadecimal_is_octets_and_all_else_is_text(void **state)
{
    uint8_t out[8];
    size_t n;

    (void)state;
    assert_true(secret_decode("0x00fFa5", out, sizeof(out), &n));
    assert_int_equal(n, 3);
    assert_memory_equal(out, "\x00\xff\xa5", 3);
    assert_true(secret_decode("secret", out, sizeof(out), &n));
    assert_int_equal(n, 6);
    assert_memory_equal(out, "secret", 6);
    assert_true(secret_decode("0x0011223344556677", out, sizeof(out), &n));
    assert_int_equal(n, 8);
}

static void what_is_neither_is_refused(void **state)
{
    static const char *const wrong[] = {"",         "0x", "0x0", "0xgg", "0x001122334455667788",
                                        "nine char"};
    uint8_t out[8];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(secret_decode(wrong[i], out, sizeof(out), &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hexadecimal_is_octets_and_all_else_is_text),
        cmocka_unit_test(what_is_neither_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
