/* src/ident/lengths.h: the set of prefix lengths in use, longest first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ident/lengths.h"

static void an_empty_set_has_none(void **state)
{
    const struct lengths l = {{0}};
    unsigned bits = LENGTHS_MAX + 1;

    (void)state;
    assert_false(lengths_shorter(&l, &bits));
    assert_int_equal(bits, LENGTHS_MAX + 1);
}

static void every_length_comes_once_and_longest_first(void **state)
{
    struct lengths l = {{0}};
    unsigned bits = LENGTHS_MAX + 1;

    (void)state;
    for (unsigned i = 0; i <= LENGTHS_MAX; i++)
        lengths_add(&l, i);
    for (unsigned i = LENGTHS_MAX + 1; i-- > 0;) {
        assert_true(lengths_shorter(&l, &bits));
        assert_int_equal(bits, i);
    }
    assert_false(lengths_shorter(&l, &bits));
}

static void what_lies_between_is_stepped_over(void **state)
{
    static const unsigned in_use[] = {128, 96, 95, 64, 32, 31, 24, 0};
    struct lengths l = {{0}};
    unsigned bits = LENGTHS_MAX + 1;

    (void)state;
    for (size_t i = 0; i < sizeof(in_use) / sizeof(in_use[0]); i++)
        lengths_add(&l, in_use[i]);
    for (size_t i = 0; i < sizeof(in_use) / sizeof(in_use[0]); i++) {
        assert_true(lengths_shorter(&l, &bits));
        assert_int_equal(bits, in_use[i]);
    }
    assert_false(lengths_shorter(&l, &bits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_has_none),
        cmocka_unit_test(every_length_comes_once_and_longest_first),
        cmocka_unit_test(what_lies_between_is_stepped_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
