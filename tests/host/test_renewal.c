/* When our certificate is renewed, and what the time is at least.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/renewal.h"
#include "kit/clock.h"

enum { HOUR = 3600, YEAR = 31557600 };

static void a_certificate_is_due_at_two_thirds(void **state)
{
    const struct renewal_time day = {0, 86400}, year = {0, YEAR};

    (void)state;
    assert_int_equal(renewal_wait_s(&day, 57600 - 100), 100);
    assert_int_equal(renewal_wait_s(&year, 0), HOUR); /* clocks jump: looked at each hour */
}

/* The less time is left, the more often; never without a pause. */
static void tries_in_vain_come_closer(void **state)
{
    const struct renewal_time day = {0, 86400}, year = {0, YEAR};

    (void)state;
    assert_int_equal(renewal_wait_s(&year, YEAR * 3L / 4), HOUR);
    assert_int_equal(renewal_wait_s(&day, 57600), HOUR);
    assert_int_equal(renewal_wait_s(&day, 86400 - 800), 100);
    assert_int_equal(renewal_wait_s(&day, 86400 - 8), 2);
    assert_int_equal(renewal_wait_s(&day, 86400), 300);
}

static void put(const char *path, long long at)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fprintf(f, "%lld\n", at);
    fclose(f);
}

static void the_time_is_at_least_what_was_heard(void **state)
{
    const int64_t now = (int64_t)time(NULL);
    char path[] = "/tmp/test_renewal.XXXXXX";
    const int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    clock_read_floor("/not/there");
    put(path, -5);
    clock_read_floor(path);
    put(path, now - 1000);
    clock_read_floor(path);
    assert_false(clock_is_late());
    assert_in_range(clock_unix_s(), now, now + 5);
    put(path, now + 100000);
    clock_read_floor(path);
    assert_true(clock_is_late());
    assert_in_range(clock_unix_s(), now + 100000, now + 100005);
    put(path, now); /* a floor never sinks */
    clock_read_floor(path);
    assert_in_range(clock_unix_s(), now + 100000, now + 100005);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_due_at_two_thirds),
        cmocka_unit_test(tries_in_vain_come_closer),
        cmocka_unit_test(the_time_is_at_least_what_was_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
