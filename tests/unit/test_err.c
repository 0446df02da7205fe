/* src/base/err.c: every error has a name and a sentence, and no two share one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <culvert/error.h>

static void every_error_has_its_own_name_and_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CV_ERR_COUNT; i++) {
        assert_true(strlen(cv_err_name((enum cv_err)i)) > 0);
        assert_true(strlen(cv_err_text((enum cv_err)i)) > 0);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(cv_err_name((enum cv_err)i), cv_err_name((enum cv_err)j));
    }
    assert_string_equal(cv_err_name(CV_OK), "ok");
    assert_string_equal(cv_err_name(CV_ERR_REPLAY), "replay");
    assert_string_equal(cv_err_text(CV_ERR_FULL), "a table is full");
}

static void a_value_outside_the_list_is_unknown(void **state)
{
    (void)state;
    assert_string_equal(cv_err_name(CV_ERR_COUNT), "unknown");
    assert_string_equal(cv_err_text(CV_ERR_COUNT), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_own_name_and_text),
        cmocka_unit_test(a_value_outside_the_list_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
